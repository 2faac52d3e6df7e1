import TernPlanning
import Testing

@Suite("Scheduler: sequences divided over the plans in flight")
struct SchedulerShareTests {
    /// A scheduler in which so many sequences wait for their second token.
    private func decoding(_ count: Int, plansInFlight: Int) throws -> Scheduler {
        var scheduler = scheduler(
            maxBatchedTokens: 32, maxSequences: 16, plansInFlight: plansInFlight)
        for id in 1...count {
            try scheduler.add(sequence(SequenceID(id), tokens: 2, first: id * 100))
        }
        _ = try scheduler.step()
        return scheduler
    }

    /// The sequences of a plan.
    private func sequences(_ plan: StepPlan) -> [SequenceID] { plan.spans.map(\.sequence) }

    @Test("Of 8 decodes each of two plans gets 4, and it stays so")
    func halves() throws {
        var scheduler = try decoding(8, plansInFlight: 2)
        var plans = [try scheduler.plan(), try scheduler.plan()]
        for _ in 0..<3 {
            #expect(plans.map(sequences) == [[1, 2, 3, 4], [5, 6, 7, 8]])
            #expect(scheduler.rests)
            for index in plans.indices {
                _ = scheduler.commit(result(of: plans[index]))
                plans[index] = try scheduler.plan()
                try scheduler.checkIntegrity()
            }
        }
    }

    @Test(
        "Shares differ by at most one, and nobody is left out",
        arguments: [(7, 2, [4, 3]), (7, 3, [3, 2, 2]), (2, 4, [1, 1]), (9, 4, [3, 2, 2, 2])])
    func shares(count: Int, plansInFlight: Int, expected: [Int]) throws {
        var scheduler = try decoding(count, plansInFlight: plansInFlight)
        let plans = (0..<plansInFlight).compactMap { _ in scheduler.schedule() }
        #expect(plans.map(\.spans.count) == expected)
        #expect(Set(plans.flatMap(sequences)).count == count)
        try scheduler.checkIntegrity()
    }

    @Test("With one plan in flight all decodes are in it")
    func single() throws {
        var scheduler = try decoding(8, plansInFlight: 1)
        #expect(try scheduler.plan().spans.count == 8)
    }

    @Test("Chunks of one prompt follow each other in successive plans, beside the decodes")
    func chunks() throws {
        var scheduler = try decoding(4, plansInFlight: 2)
        let first = try scheduler.plan()
        try scheduler.add(sequence(9, tokens: 50, first: 2000, maxTokens: 1))
        let second = try scheduler.plan()
        #expect(first.outline == [[1, 2, 1], [2, 2, 1]])
        #expect(second.outline == [[3, 2, 1], [4, 2, 1], [9, 0, 30]])
        _ = scheduler.commit(result(of: first))
        let third = try scheduler.plan()
        #expect(third.outline == [[1, 3, 1], [2, 3, 1], [9, 30, 20]])
        try scheduler.checkIntegrity()
    }

    @Test("A new sequence does not overtake one that is left for the next plan")
    func noOvertaking() throws {
        var scheduler = try decoding(4, plansInFlight: 2)
        try scheduler.add(sequence(9, tokens: 3, first: 2000))
        #expect(sequences(try scheduler.plan()) == [1, 2])
        #expect(sequences(try scheduler.plan()) == [3, 4, 9])
    }
}
