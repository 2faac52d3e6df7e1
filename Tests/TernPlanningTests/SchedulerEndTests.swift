import TernPlanning
import Testing

@Suite("Scheduler: ends")
struct SchedulerEndTests {
    /// The finishes of a sequence that draws the same token again and again.
    private func finishes(
        drawing token: TokenID, maxModelLength: Int = 64,
        _ change: (inout SamplingParameters) -> Void = { _ in }
    ) throws -> [FinishReason?] {
        var scheduler = scheduler(maxModelLength: maxModelLength)
        try scheduler.add(sequence(1, tokens: 3, maxTokens: 4, change: change))
        var finishes: [FinishReason?] = []
        while scheduler.hasWork {
            finishes += try scheduler.step(token: token).progress.map(\.finish)
        }
        #expect(scheduler.counts.usedBlocks == 0)
        return finishes
    }

    @Test("Ends by the model's token, a stop token, its own limit or the model's length")
    func reasons() throws {
        #expect(try finishes(drawing: 0) == [.stop])
        #expect(try finishes(drawing: 7) { $0.stopTokenIDs = [6, 7] } == [.stop])
        #expect(try finishes(drawing: 7) == [nil, nil, nil, .length])
        #expect(try finishes(drawing: 7, maxModelLength: 5) == [nil, .length])
        #expect(try finishes(drawing: 0) { $0.ignoreEOS = true } == [nil, nil, nil, .length])
        #expect(try finishes(drawing: 0) { $0.minTokens = 2 } == [nil, nil, .stop])
        #expect(try finishes(drawing: 0) { $0.maxTokens = 1 } == [.stop])
    }

    @Test("A cancelled sequence frees its blocks at once, whether it runs or waits")
    func cancelled() throws {
        var scheduler = scheduler(maxSequences: 1)
        try scheduler.add(sequence(1, tokens: 9))
        try scheduler.add(sequence(2, tokens: 9))
        _ = try scheduler.step()
        #expect(scheduler.counts.usedBlocks == 3)
        scheduler.cancel(2)
        #expect(scheduler.counts.waiting == 0)
        scheduler.cancel(1)
        scheduler.cancel(1)
        try scheduler.checkIntegrity()
        #expect(scheduler.counts.usedBlocks == 0 && !scheduler.hasWork)
    }

    @Test("A sequence cancelled in flight keeps its blocks until the commit, which drops its token")
    func cancelledInFlight() throws {
        var scheduler = scheduler()
        try scheduler.add(sequence(1, tokens: 9))
        try scheduler.add(sequence(2, tokens: 3, first: 200))
        let plan = try scheduler.plan()
        scheduler.cancel(1)
        try scheduler.checkIntegrity()
        #expect(scheduler.counts.usedBlocks == 4 && scheduler.hasWork)
        #expect(scheduler.commit(result(of: plan)).map(\.id) == [2])
        try scheduler.checkIntegrity()
        #expect(scheduler.counts.usedBlocks == 1)
        #expect(try scheduler.step().plan.outline == [[2, 3, 1]])
    }

    @Test("What can never fit is refused with the numbers")
    func refusals() throws {
        var scheduler = scheduler(maxModelLength: 32, blockCount: 6)
        #expect(throws: AdmissionError.emptyPrompt) { try scheduler.add(sequence(1, tokens: 0)) }
        #expect(throws: AdmissionError.promptTooLong(tokens: 32, maxModelLength: 32)) {
            try scheduler.add(sequence(1, tokens: 32))
        }
        #expect(
            throws: AdmissionError.exceedsCache(
                tokens: 26, blocks: 7, availableBlocks: 6, blockSize: 4)
        ) {
            try scheduler.add(sequence(1, tokens: 20, maxTokens: 6))
        }
        #expect(!scheduler.hasWork)
        try scheduler.add(sequence(1, tokens: 20, maxTokens: 5))
        #expect(try scheduler.drain() == 6)
    }

    @Test("A limit of tokens beyond all numbers is cut to the model's length")
    func hugeLimit() throws {
        var scheduler = scheduler(maxModelLength: 8)
        try scheduler.add(sequence(1, tokens: 4, maxTokens: .max))
        #expect(try scheduler.drain() == 4)
    }
}
