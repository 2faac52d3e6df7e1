import TernPlanning
import Testing

@Suite("Scheduler: shared prompts")
struct SchedulerSharingTests {
    /// Tokens that all plans compute together.
    private func computedTokens(
        _ scheduler: inout Scheduler, _ sequences: [Sequence]
    ) throws -> Int {
        for sequence in sequences { try scheduler.add(sequence) }
        var tokens = 0
        while scheduler.hasWork { tokens += try scheduler.step().plan.tokenCount }
        return tokens
    }

    @Test("Four choices of a prompt of 1,000 tokens compute it once", arguments: [1, 3])
    func choices(plansInFlight: Int) throws {
        var scheduler = scheduler(
            maxBatchedTokens: 2048, maxModelLength: 1100, blockSize: 16, blockCount: 280,
            plansInFlight: plansInFlight)
        let sequences = (0..<4).map { sequence(SequenceID($0), tokens: 1000) }
        let computed = try computedTokens(&scheduler, sequences)
        #expect(computed == 1000 + 3 * (1000 - 992) + 4 * 7)
        #expect(computed < 1100 + 4 * 7)
    }

    @Test("Prompts that begin alike wait for the beginning alone, and others pass them")
    func beginnings() throws {
        var scheduler = scheduler(maxBatchedTokens: 32)
        try scheduler.add(sequence(1, tokens: 9))
        try scheduler.add(sequence(2, tokens: 12))
        try scheduler.add(sequence(3, tokens: 5, first: 300))
        #expect(try scheduler.step().plan.outline == [[1, 0, 9], [3, 0, 5]])
        #expect(try scheduler.step().plan.outline == [[1, 9, 1], [3, 5, 1], [2, 8, 4]])
        _ = try scheduler.drain()
    }

    @Test("A beginning of less than half a prompt, or under another salt, is not waited for")
    func littleShared() throws {
        var little = scheduler(maxBatchedTokens: 64)
        try little.add(sequence(1, tokens: 9))
        try little.add(sequence(2, tokens: 17))
        #expect(try little.step().plan.outline == [[1, 0, 9], [2, 0, 17]])
        var salted = scheduler()
        try salted.add(sequence(1, tokens: 8))
        try salted.add(sequence(2, tokens: 8, salt: "a"))
        #expect(try salted.step().plan.outline == [[1, 0, 8], [2, 0, 8]])
    }

    @Test("Whoever waits for a prompt that is cancelled computes it")
    func cancelledLeader() throws {
        for steps in [0, 1] {
            var scheduler = scheduler(maxBatchedTokens: 8)
            for id in [1, 2, 3] { try scheduler.add(sequence(SequenceID(id), tokens: 16)) }
            for _ in 0..<steps { _ = try scheduler.step() }
            scheduler.cancel(1)
            #expect(try scheduler.step().plan.outline == [[2, steps * 8, 8]])
            _ = try scheduler.drain()
        }
    }

    @Test("Without a prefix cache nobody waits, and everyone computes all of it")
    func withoutCache() throws {
        var scheduler = scheduler(maxBatchedTokens: 64, caching: false)
        let computed = try computedTokens(
            &scheduler, (1...3).map { sequence(SequenceID($0), tokens: 16, maxTokens: 1) })
        #expect(computed == 48)
    }
}
