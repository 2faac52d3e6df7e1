import TernPlanning
import Testing

@Suite("Scheduler: plans")
struct SchedulerPlanTests {
    @Test("Without sequences there is nothing to plan")
    func idle() throws {
        let scheduler = scheduler()
        #expect(!scheduler.hasWork && scheduler.rests)
        try scheduler.checkIntegrity()
    }

    @Test("A prompt longer than the budget is computed in chunks, and only the last one draws")
    func chunks() throws {
        var scheduler = scheduler(maxBatchedTokens: 8)
        try scheduler.add(sequence(1, tokens: 20, maxTokens: 2))
        let steps = try (0..<4).map { _ in try scheduler.step() }
        #expect(
            steps.flatMap(\.plan.outline) == [[1, 0, 8], [1, 8, 8], [1, 16, 4], [1, 20, 1]])
        #expect(steps.map { $0.plan.spans[0].sampling?.position } == [nil, nil, 0, 1])
        #expect(steps.map { $0.progress.map(\.finish) } == [[], [], [nil], [.length]])
        #expect(steps.map(\.plan.number) == [0, 1, 2, 3])
        #expect(!scheduler.hasWork)
    }

    @Test("Decodes and the chunk of a prompt share a plan, and decodes come first")
    func mixed() throws {
        var scheduler = scheduler(maxBatchedTokens: 8)
        try scheduler.add(sequence(1, tokens: 3))
        try scheduler.add(sequence(2, tokens: 4, first: 200))
        #expect(try scheduler.step().plan.outline == [[1, 0, 3], [2, 0, 4]])
        try scheduler.add(sequence(3, tokens: 9, first: 300))
        #expect(try scheduler.step().plan.outline == [[1, 3, 1], [2, 4, 1], [3, 0, 6]])
        #expect(try scheduler.step().plan.outline == [[1, 4, 1], [2, 5, 1], [3, 6, 3]])
    }

    @Test("No more sequences run than may, and the queue is served in order")
    func slots() throws {
        var scheduler = scheduler(maxSequences: 2)
        for id in 1...4 {
            try scheduler.add(
                sequence(SequenceID(id), tokens: 2, first: id * 100, maxTokens: id == 1 ? 1 : 3))
        }
        #expect(try scheduler.step().plan.outline == [[1, 0, 2], [2, 0, 2]])
        #expect(try scheduler.step().plan.outline == [[2, 2, 1], [3, 0, 2]])
        #expect(scheduler.counts.running == 2 && scheduler.counts.waiting == 1)
    }

    @Test("The sequence at the queue's front is not overtaken by a smaller one")
    func noOvertaking() throws {
        var scheduler = scheduler(maxBatchedTokens: 32, blockCount: 8)
        try scheduler.add(sequence(1, tokens: 16))
        try scheduler.add(sequence(2, tokens: 20, first: 200))
        try scheduler.add(sequence(3, tokens: 1, first: 300))
        #expect(try scheduler.step().plan.outline == [[1, 0, 16]])
        #expect(try scheduler.step().plan.outline == [[1, 16, 1]])
        _ = try scheduler.drain()
    }

    @Test("A sampling step tells position, choice and whether stopping is forbidden")
    func samplingSteps() throws {
        var scheduler = scheduler()
        let parameters = SamplingParameters(seed: 9, maxTokens: 4, minTokens: 2)
        try scheduler.add(Sequence(id: 1, prompt: [5], choice: 3, parameters: parameters))
        for position in 0..<4 {
            let expected = SamplingStep(
                parameters: parameters, choice: 3, position: position, forbidsStop: position < 2)
            #expect(try scheduler.step().plan.spans[0].sampling == expected)
        }
    }
}
