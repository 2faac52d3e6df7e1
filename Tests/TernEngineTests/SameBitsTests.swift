import TernEngine
import TernPlanning
import Testing

/// Every logprob of the vocabulary is asked for with each token, so that equal answers mean equal
/// logits, bit for bit.
@Suite("The same bits")
struct SameBitsTests {
    private static let vocabulary = 131

    private static func requests(_ engine: Engine, count: Int = 6) -> [GenerationRequest] {
        (0..<count).map { index in
            var parameters = engine.greedy(12 + 3 * index)
            parameters.logprobs = vocabulary
            return GenerationRequest(
                prompt: tokens(5 + 23 * index, salt: index), parameters: parameters)
        }
    }

    /// Requests that are admitted together and outgrow a small cache.
    private static func growing(_ engine: Engine) -> [GenerationRequest] {
        (0..<5).map { index in
            var parameters = engine.greedy(60)
            parameters.logprobs = vocabulary
            return GenerationRequest(
                prompt: tokens(5 + 3 * index, salt: index), parameters: parameters)
        }
    }

    /// Each request alone, each prompt in one step.
    private static func undisturbed() throws -> [[Answer]] {
        let engine = try Engine.tiny { $0.maxBatchedTokens = 256 }
        let answers = try requests(engine).map { try engine.answers([$0])[0] }
        try engine.stop()
        #expect(Set(answers[0][0].tokens).count > 1, "an answer that varies tests more")
        return answers
    }

    @Test("What else is in the batch does not change an answer")
    func batch() throws {
        let engine = try Engine.tiny { $0.maxBatchedTokens = 256 }
        #expect(try engine.answers(Self.requests(engine)) == Self.undisturbed())
        try engine.stop()
    }

    @Test("How a prompt is chunked does not change an answer", arguments: [8, 13, 31])
    func chunks(batchedTokens: Int) throws {
        let engine = try Engine.tiny { $0.maxBatchedTokens = batchedTokens }
        #expect(try engine.answers(Self.requests(engine)) == Self.undisturbed())
        try engine.stop()
    }

    @Test("Nor do the turns in which layers take a step of many sequences")
    func turns() throws {
        func answers(_ batchedTokens: Int) throws -> [[Answer]] {
            let engine = try Engine.tiny { $0.maxBatchedTokens = batchedTokens }
            let requests = (0..<6).map { index in
                var parameters = engine.greedy(3)
                parameters.logprobs = Self.vocabulary
                return GenerationRequest(
                    prompt: tokens(150 + 11 * index, salt: index), parameters: parameters)
            }
            defer { try? engine.stop() }
            return try engine.answers(requests)
        }
        // All prompts at once are 1,065 tokens: nine turns, whose ends lie within sequences.
        #expect(try answers(2048) == answers(64))
    }

    @Test("Being preempted and computed again does not change an answer")
    func preemption() throws {
        let roomy = try Engine.tiny()
        let blockBytes = roomy.memory.cacheBytes / roomy.memory.blockCount
        let expected = try Self.growing(roomy).map { try roomy.answers([$0])[0] }
        try roomy.stop()
        let engine = try Engine.tiny {
            $0.maxModelLength = 160
            $0.cacheBytes = 12 * blockBytes
            $0.enablesPrefixCaching = false
        }
        #expect(try engine.answers(Self.growing(engine)) == expected)
        let counts = try #require(engine.metrics.scheduler)
        #expect(counts.preemptions > 0, "the cache must be too small for all")
        try engine.stop()
    }

    @Test("A hit in the prefix cache does not change an answer")
    func prefixHits() throws {
        let engine = try Engine.tiny()
        let expected = try Self.undisturbed()
        for _ in 0..<2 { #expect(try engine.answers(Self.requests(engine)) == expected) }
        let counts = try #require(engine.metrics.scheduler)
        #expect(counts.prefixHitTokens > 0, "the second round must hit")
        try engine.stop()
    }

    @Test("Seeded sampling does not depend on the batch, and choices differ")
    func sampling() throws {
        let engine = try Engine.tiny()
        var parameters = engine.defaultParameters(maxTokens: 20)
        parameters.ignoreEOS = true
        parameters.seed = 7
        var request = GenerationRequest(prompt: tokens(9), parameters: parameters)
        request.choices = 3
        let alone = try engine.answers([request])[0]
        let crowded = try engine.answers(Self.requests(engine) + [request])[6]
        #expect(crowded == alone)
        #expect(Set(alone.map(\.text)).count == 3)
        try engine.stop()
    }
}
