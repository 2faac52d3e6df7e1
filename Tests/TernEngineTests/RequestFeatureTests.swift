// Penalties, masks and prompt logprobs through the whole engine: under every topology, and where
// prompts are chunked, sequences preempted and prefixes found, they give the bits of one rank that
// nothing disturbs.

import TernEngine
import TernPlanning
import TernTensor
import TernTesting
import Testing

@Suite("Request features in the engine", .serialized)
struct RequestFeatureTests {
    private static let heads = TopologyBitsTests.Heads(queries: 8, keysValues: 4)

    /// A request that asks for everything.
    private static func request(_ index: Int, length: Int, count: Int) -> GenerationRequest {
        var adjustments = LogitAdjustments()
        adjustments.repetitionPenalty = 1.3
        adjustments.presencePenalty = 0.4
        adjustments.frequencyPenalty = 0.3
        adjustments.logitBias = [TokenID(index): 0.5, 99: -100]
        adjustments.badWords = [[7], [8, 9], [TokenID(index), 3, 4]]
        adjustments.allowedTokenIDs = (0..<130).map { TokenID($0) }
        var request = GenerationRequest(
            prompt: tokens(length, salt: index),
            parameters: SamplingParameters(
                temperature: index.isMultiple(of: 2) ? 0 : 0.8, seed: 5, logprobs: 131,
                adjustments: adjustments, maxTokens: count, ignoreEOS: true))
        request.parameters.promptLogprobs = index == 1 ? nil : 3
        return request
    }

    /// Answers and prompt scores.
    private struct Outcome: Equatable {
        var answers: [[Answer]]
        var scores: [[ScoredToken]]
    }

    private static func outcome(
        _ engine: Engine, _ requests: [GenerationRequest]
    ) throws -> Outcome {
        var outcome = Outcome(
            answers: requests.map { Array(repeating: Answer(), count: $0.choices) },
            scores: requests.map { _ in [] })
        try engine.generate(requests) { index, output in
            outcome.answers[index][output.choice].tokens += output.tokens.map(\.token)
            outcome.answers[index][output.choice].logprobs += output.tokens.map(\.top)
            outcome.answers[index][output.choice].finish = output.finish
            outcome.scores[index] += output.promptScores ?? []
        }
        return outcome
    }

    /// What one rank answers to each request alone.
    private static func undisturbed(
        _ folder: TemporaryFolder, _ requests: [GenerationRequest]
    ) throws -> Outcome {
        let engine = try Engine.tiny(folder: folder.path) {
            $0.maxSequences = 256
            $0.maxBatchedTokens = 256
            $0.enablesPrefixCaching = false
        }
        let alone = try requests.map { try outcome(engine, [$0]) }
        try engine.stop()
        return Outcome(
            answers: alone.flatMap(\.answers), scores: alone.flatMap(\.scores))
    }

    @Test("A request that asks for everything gives the bits of one rank under every topology")
    func topologies() throws {
        let folder = try Self.heads.folder()
        let requests = [
            Self.request(0, length: 61, count: 8), Self.request(1, length: 30, count: 9),
            Self.request(2, length: 3, count: 12),
        ]
        let expected = try Self.undisturbed(folder, requests)
        #expect(expected.scores.map(\.count) == [60, 0, 2])
        #expect(expected.answers.allSatisfy { Set($0[0].tokens).count > 3 })
        for topology in TopologyBitsTests.topologies {
            let engine = try Engine.tiny(folder: folder.path) {
                $0.topology = topology
                $0.shift = .given(ShiftPolicy(.threshold(7)))
                $0.maxBatchedTokens = 23
            }
            for _ in 0..<2 {
                let isSame = try Self.outcome(engine, requests) == expected
                #expect(isSame, "\(topology)")
            }
            try engine.stop()
        }
    }

    @Test("Being preempted and computed again changes neither counts nor scores")
    func preemption() throws {
        let folder = try Self.heads.folder()
        let requests = (0..<3).map { Self.request($0, length: 4 + 5 * $0, count: 16) }
        let expected = try Self.undisturbed(folder, requests)
        let block =
            Self.heads.layers
            * KeyValueBlocks.blockBytes(
                blockSize: 16, heads: 4, headDimension: 6, dtype: .bfloat16)
        for caches in [false, true] {
            let engine = try Engine.tiny(folder: folder.path) {
                $0.maxModelLength = 32
                $0.cacheBytes = 5 * block
                $0.enablesPrefixCaching = caches
            }
            #expect(try Self.outcome(engine, requests) == expected)
            let counts = try #require(engine.metrics.scheduler)
            #expect(counts.preemptions > 0, "the cache must be too small for all")
            try engine.stop()
        }
    }

    @Test("A prompt's scores are the logprobs with which its tokens were generated, bit for bit")
    func scoresAreLogprobs() throws {
        let engine = try Engine.tiny()
        var parameters = engine.greedy(30)
        parameters.logprobs = 5
        let prompt = tokens(21)
        let answer = try engine.answer(GenerationRequest(prompt: prompt, parameters: parameters))
        parameters.promptLogprobs = 5
        parameters.maxTokens = 1
        let request = GenerationRequest(prompt: prompt + answer.tokens, parameters: parameters)
        for _ in 0..<2 {
            let scores = try Self.outcome(engine, [request]).scores[0]
            #expect(scores.map(\.token) == Array(request.prompt.dropFirst()))
            #expect(scores.suffix(30).map(\.top) == answer.logprobs)
            #expect(
                scores.suffix(30).allSatisfy { $0.rank == 1 && $0.logprob == $0.top[0].logprob })
        }
        try engine.stop()
    }

    @Test("Four choices compute their prompt once, and answer as four that compute their own")
    func choices() throws {
        let requests = [true, false].map { _ in Self.request(1, length: 200, count: 6) }
        var found: [Outcome] = []
        for (caches, var request) in zip([true, false], requests) {
            request.choices = 4
            request.parameters.promptLogprobs = 0
            let engine = try Engine.tiny {
                $0.enablesPrefixCaching = caches
                $0.maxBatchedTokens = 256
            }
            found.append(try Self.outcome(engine, [request]))
            let computed = engine.metrics.computedTokens
            #expect(computed == (caches ? 200 + 3 * 8 : 800) + 4 * 5)
            try engine.stop()
        }
        #expect(found[0] == found[1])
        #expect(Set(found[0].answers[0].map(\.tokens)).count == 4, "choices that differ")
        #expect(found[0].scores[0].count == 199)
    }

    @Test("Greedy tokens keep to the masks, and a repeated word is banned by its history")
    func masks() throws {
        let engine = try Engine.tiny()
        var parameters = engine.greedy(24)
        let prompt = tokens(9)
        let free = try engine.answer(GenerationRequest(prompt: prompt, parameters: parameters))
        parameters.adjustments.badWords = [Array(free.tokens[2...4])]
        let banned = try engine.answer(GenerationRequest(prompt: prompt, parameters: parameters))
        #expect(banned.tokens[..<4] == free.tokens[..<4] && banned.tokens[4] != free.tokens[4])
        parameters.adjustments.allowedTokenIDs = [5, 6, 7]
        parameters.adjustments.frequencyPenalty = 2
        let few = try engine.answer(GenerationRequest(prompt: prompt, parameters: parameters))
        #expect(Set(few.tokens) == [5, 6, 7], "the penalty makes all of them appear")
        try engine.stop()
    }

    @Test("Ids beyond the vocabulary are refused by the name of their field")
    func unknownIDs() throws {
        let engine = try Engine.tiny()
        let changes: [(String, (inout LogitAdjustments) -> Void)] = [
            ("logit_bias", { $0.logitBias = [131: 1] }),
            ("bad_words", { $0.badWords = [[1, 131]] }),
            ("allowed_token_ids", { $0.allowedTokenIDs = [-1] }),
        ]
        for (name, change) in changes {
            var parameters = engine.greedy(2)
            change(&parameters.adjustments)
            let error = #expect(throws: EngineError.self) {
                try engine.submit(
                    GenerationRequest(prompt: [1], parameters: parameters), deliver: { _ in })
            }
            #expect(error?.kind == .invalid(parameter: name))
        }
        try engine.stop()
    }
}
