import TernPlanning
import Testing

@Suite("Scheduler: blocks")
struct SchedulerBlockTests {
    @Test("The youngest waits in place, with its blocks, when it alone lacks one")
    func waiting() throws {
        var scheduler = scheduler(blockCount: 4, caching: false)
        try scheduler.add(sequence(1, tokens: 7, maxTokens: 6))
        try scheduler.add(sequence(2, tokens: 3, first: 200))
        #expect(try scheduler.step().plan.outline == [[1, 0, 7], [2, 0, 3]])
        #expect(try scheduler.step().plan.outline == [[1, 7, 1], [2, 3, 1]])
        for position in 8...11 {
            #expect(try scheduler.step().plan.outline == [[1, position, 1]])
        }
        #expect(try scheduler.step().plan.outline == [[2, 4, 1]])
        #expect(scheduler.counts.preemptions == 0)
    }

    @Test("When an older one lacks blocks the youngest loses its own, and computes all again")
    func preemption() throws {
        var scheduler = scheduler(blockCount: 4, caching: false)
        try scheduler.add(sequence(1, tokens: 7, maxTokens: 10))
        try scheduler.add(sequence(2, tokens: 3, first: 200))
        for _ in 0..<6 { _ = try scheduler.step() }
        #expect(scheduler.counts.preemptions == 0)
        #expect(try scheduler.step().plan.outline == [[1, 12, 1]])
        #expect(scheduler.counts.preemptions == 1 && scheduler.counts.waiting == 1)
        for position in 13...15 {
            #expect(try scheduler.step().plan.outline == [[1, position, 1]])
        }
        let plan = try scheduler.step().plan
        #expect(plan.outline == [[2, 0, 5]])
        #expect(plan.spans[0].sampling?.position == 2)
    }

    @Test("The preempted ones return in their order, before those that never ran")
    func returnToFront() throws {
        var scheduler = scheduler(maxSequences: 3, blockCount: 6, caching: false)
        for id in 1...3 {
            try scheduler.add(sequence(SequenceID(id), tokens: 3, first: id * 100, maxTokens: 14))
        }
        try scheduler.add(sequence(4, tokens: 1, first: 400))
        var phases: [[Int]] = []
        while scheduler.hasWork {
            let phase = try scheduler.step().plan.outline.map { $0[0] }
            if phases.last != phase { phases.append(phase) }
        }
        #expect(phases == [[1, 2, 3], [1, 2], [1], [2], [3, 4]])
        #expect(scheduler.counts.preemptions == 2)
    }

    @Test("A cached prefix is used up to the last known token, counted in tokens")
    func prefixHits() throws {
        var scheduler = scheduler(maxBatchedTokens: 32)
        for (id, tokens, hits) in [(1, 12, 0), (2, 12, 8), (3, 13, 12), (4, 20, 12), (5, 20, 16)] {
            let before = scheduler.counts
            try scheduler.add(sequence(SequenceID(id), tokens: tokens, maxTokens: 1))
            #expect(try scheduler.step().plan.outline == [[id, hits, tokens - hits]])
            let after = scheduler.counts
            #expect(after.prefixQueryTokens - before.prefixQueryTokens == tokens)
            #expect(after.prefixHitTokens - before.prefixHitTokens == hits)
        }
        try scheduler.add(sequence(6, tokens: 20, maxTokens: 1, salt: "other tenant"))
        #expect(try scheduler.step().plan.outline == [[6, 0, 20]])
    }

    @Test("Generated tokens are cached as well: the next turn of a chat begins after them")
    func nextTurn() throws {
        var scheduler = scheduler(maxBatchedTokens: 32)
        try scheduler.add(sequence(1, tokens: 6, maxTokens: 7))
        _ = try scheduler.drain()
        let prompt = (100..<106).map { TokenID($0) } + Array(repeating: TokenID(1), count: 7)
        try scheduler.add(
            Sequence(id: 2, prompt: prompt + [9], parameters: SamplingParameters(seed: 0)))
        #expect(try scheduler.step().plan.outline == [[2, 12, 2]])
    }

    @Test("Running sequences share the blocks of a common prefix")
    func sharing() throws {
        var scheduler = scheduler(maxBatchedTokens: 32)
        try scheduler.add(sequence(1, tokens: 13))
        _ = try scheduler.step()
        try scheduler.add(sequence(2, tokens: 13))
        let plan = try scheduler.step().plan
        #expect(plan.spans[0].blockTable[..<3] == plan.spans[1].blockTable[..<3])
        #expect(plan.spans[0].blockTable[3] != plan.spans[1].blockTable[3])
        #expect(scheduler.counts.usedBlocks == 5)
        scheduler.cancel(1)
        #expect(scheduler.counts.usedBlocks == 4)
    }

    @Test("What is not committed yet is no hit")
    func uncommitted() throws {
        var scheduler = scheduler(maxBatchedTokens: 32, plansInFlight: 2)
        try scheduler.add(sequence(1, tokens: 9))
        let first = try scheduler.plan()
        try scheduler.add(sequence(2, tokens: 9))
        #expect(try scheduler.plan().outline == [[2, 0, 9]])
        _ = scheduler.commit(result(of: first))
        try scheduler.add(sequence(3, tokens: 9))
        #expect(try scheduler.plan().outline == [[1, 9, 1], [3, 8, 1]])
        try scheduler.checkIntegrity()
    }

    @Test("The end of a prefix is evicted before its beginning")
    func eviction() throws {
        var scheduler = scheduler(maxBatchedTokens: 32, blockCount: 6)
        try scheduler.add(sequence(1, tokens: 17, maxTokens: 1))
        _ = try scheduler.drain()
        try scheduler.add(sequence(2, tokens: 15, first: 500, maxTokens: 1))
        _ = try scheduler.drain()
        // Two free blocks and two of the four cached ones went to the second sequence.
        try scheduler.add(sequence(3, tokens: 17, maxTokens: 1))
        #expect(try scheduler.step().plan.outline == [[3, 8, 9]])
    }

    @Test("Without prefix caching nothing is found and nothing is counted")
    func disabled() throws {
        var scheduler = scheduler(caching: false)
        for id: SequenceID in [1, 2] {
            try scheduler.add(sequence(id, tokens: 12, maxTokens: 1))
            #expect(try scheduler.step().plan.spans[0].firstPosition == 0)
        }
        #expect(scheduler.counts.prefixQueryTokens == 0 && scheduler.counts.cachedBlocks == 0)
    }
}
