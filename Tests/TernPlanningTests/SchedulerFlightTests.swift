import TernPlanning
import Testing

@Suite("Scheduler: plans in flight")
struct SchedulerFlightTests {
    @Test("Chunks of one prompt fly together, but no plan follows a token that is being drawn")
    func chunks() throws {
        var scheduler = scheduler(maxBatchedTokens: 8, plansInFlight: 4)
        try scheduler.add(sequence(1, tokens: 20))
        let plans = try (0..<3).map { _ in try scheduler.plan() }
        #expect(plans.flatMap(\.outline) == [[1, 0, 8], [1, 8, 8], [1, 16, 4]])
        #expect(scheduler.rests)
        #expect(scheduler.commit(result(of: plans[0])) == [])
        #expect(scheduler.rests)
        #expect(scheduler.commit(result(of: plans[1])) == [])
        #expect(scheduler.commit(result(of: plans[2])).map(\.id) == [1])
        #expect(try scheduler.step().plan.outline == [[1, 20, 1]])
    }

    @Test("No more plans fly than may")
    func limit() throws {
        for limit in 1...4 {
            var scheduler = scheduler(maxBatchedTokens: 4, plansInFlight: limit)
            try scheduler.add(sequence(1, tokens: 40))
            let plans = (0..<6).map { _ in scheduler.schedule() }
            #expect(plans.count { $0 != nil } == limit)
            try scheduler.checkIntegrity()
        }
    }

    @Test("A youngest sequence in flight is waited for, not robbed")
    func noRobbery() throws {
        var scheduler = scheduler(
            maxBatchedTokens: 4, blockCount: 12, caching: false, plansInFlight: 2)
        try scheduler.add(sequence(1, tokens: 4, maxTokens: 9))
        try scheduler.add(sequence(2, tokens: 40, first: 200, maxTokens: 1))
        var plans: [StepPlan] = []
        while scheduler.running.first?.tokenCount != 9 {
            if let plan = scheduler.schedule() { plans.append(plan) }
            if plans.count == 2 { _ = scheduler.commit(result(of: plans.removeFirst())) }
        }
        #expect(plans.flatMap(\.outline).map { $0[0] } == [2], "the younger one is in flight")
        #expect(scheduler.rests)
        #expect(scheduler.counts.preemptions == 0)
        _ = scheduler.commit(result(of: plans[0]))
        #expect(try scheduler.plan().outline == [[1, 8, 1]])
        #expect(scheduler.counts.preemptions == 1)
        try scheduler.checkIntegrity()
    }
}
