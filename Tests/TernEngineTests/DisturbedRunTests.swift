// Runs that the scheduler disturbs: prompts computed in chunks, sequences that lose their blocks
// and are computed again, prompts whose beginning the cache holds. Each is held, over all
// topologies of powers of two, to the bits of one rank that nothing disturbs, and to counters that
// say the disturbance took place. What shifts alone do is TopologyBitsTests' business.

import TernEngine
import TernPlanning
import TernTensor
import TernTesting
import Testing

/// Every logprob of the vocabulary is compared. Steps of more than 7 tokens, which only prompts
/// and what is computed again make, run in sequence mode, decodes in tensor mode.
@Suite("Disturbed runs under every topology", .serialized)
struct DisturbedRunTests {
    typealias Heads = TopologyBitsTests.Heads

    private static let policy = ShiftPolicy(.threshold(7))

    /// Dense, and with experts in every other layer; on many ranks key-value heads are
    /// held more than once.
    static let models = [
        (Heads(queries: 8, keysValues: 2), DType.bfloat16),
        (Heads(queries: 8, keysValues: 4, experts: 6), .float32),
    ]

    private static func request(_ prompt: [TokenID], _ count: Int) -> GenerationRequest {
        GenerationRequest(
            prompt: prompt,
            parameters: SamplingParameters(
                temperature: 0, seed: 0, logprobs: 131, maxTokens: count, ignoreEOS: true))
    }

    /// What one rank answers to each request alone, its prompt in one step.
    private static func undisturbed(
        _ folder: TemporaryFolder, _ dtype: DType, _ requests: [GenerationRequest]
    ) throws -> [[Answer]] {
        let engine = try Engine.tiny(folder: folder.path) {
            $0.dtype = dtype
            $0.maxBatchedTokens = 256
            $0.enablesPrefixCaching = false
        }
        let answers = try requests.map { try engine.answers([$0])[0] }
        try engine.stop()
        #expect(
            answers.contains { Set($0[0].tokens).count > 1 }, "an answer that varies tests more")
        return answers
    }

    /// Hands a body an engine of each topology, and what one rank answers undisturbed.
    private static func onEveryTopology(
        _ heads: Heads, _ dtype: DType, _ requests: [GenerationRequest],
        _ change: (inout EngineConfiguration, _ blockBytes: Int) -> Void,
        _ body: (Engine, _ expected: [[Answer]], Topology) throws -> Void
    ) throws {
        let folder = try heads.folder()
        let expected = try undisturbed(folder, dtype, requests)
        for topology in TopologyBitsTests.topologies {
            // Ranks that hold the same key-value head each take a block for it.
            let copies = max(1, topology.shiftSize / heads.keysValues)
            let blockBytes =
                heads.layers
                * KeyValueBlocks.blockBytes(
                    blockSize: 16, heads: heads.keysValues * copies, headDimension: 6,
                    dtype: dtype)
            let engine = try Engine.tiny(folder: folder.path) {
                $0.dtype = dtype
                $0.topology = topology
                $0.shift = .given(policy)
                change(&$0, blockBytes)
            }
            try body(engine, expected, topology)
            try engine.stop()
        }
    }

    @Test("Prompts in chunks change no bit under any topology", arguments: models)
    func chunks(heads: Heads, dtype: DType) throws {
        let requests = [
            Self.request(tokens(61, salt: 1), 2), Self.request(tokens(30, salt: 2), 4),
            Self.request(tokens(3, salt: 3), 6),
        ]
        try Self.onEveryTopology(heads, dtype, requests) { configuration, _ in
            configuration.maxBatchedTokens = 9
            configuration.enablesPrefixCaching = false
        } _: { engine, expected, topology in
            let isSameAlone = try engine.answers([requests[0]]) == [expected[0]]
            #expect(isSameAlone, "\(topology)")
            #expect(engine.metrics.steps == 8, "61 tokens by 9 take 7 steps, the second token one")
            let isSameTogether = try engine.answers(requests) == expected
            #expect(isSameTogether, "\(topology)")
        }
    }

    @Test("Sequences that lose their blocks change no bit under any topology", arguments: models)
    func preemption(heads: Heads, dtype: DType) throws {
        // Each outgrows its one block, the youngest first; the third of them finds none left.
        let requests = [4, 9, 15].map { Self.request(tokens($0, salt: $0), 16) }
        try Self.onEveryTopology(heads, dtype, requests) { configuration, blockBytes in
            configuration.maxModelLength = 32
            configuration.cacheBytes = 5 * blockBytes
            configuration.enablesPrefixCaching = false
        } _: { engine, expected, topology in
            let isSame = try engine.answers(requests) == expected
            #expect(isSame, "\(topology)")
            let counts = try #require(engine.metrics.scheduler)
            #expect(counts.totalBlocks == 5, "\(topology)")
            #expect(counts.preemptions > 0, "the cache must be too small for all: \(topology)")
            let computedOnce = requests.reduce(0) { $0 + $1.prompt.count + 15 }
            #expect(engine.metrics.computedTokens > computedOnce, "\(topology)")
        }
    }

    @Test("Prompts whose beginning is cached change no bit under any topology", arguments: models)
    func prefixHits(heads: Heads, dtype: DType) throws {
        let long = tokens(50, salt: 4)
        let prompts = [long, long, long.prefix(32) + tokens(18, salt: 5)]
        let requests = prompts.map { Self.request($0, 3) }
        try Self.onEveryTopology(heads, dtype, requests) { _, _ in
        } _: { engine, expected, topology in
            let answers = try requests.map { try engine.answers([$0])[0] }
            let isSame = answers == expected
            #expect(isSame, "\(topology)")
            // The same prompt finds its 3 full blocks and computes 2 tokens, in tensor mode; the
            // one that parts from it finds 2 and computes 18, in sequence mode.
            let counts = try #require(engine.metrics.scheduler)
            #expect(counts.prefixHitTokens == 48 + 32, "\(topology)")
            #expect(engine.metrics.computedTokens == 50 + 2 + 18 + 3 * 2, "\(topology)")
            #expect(engine.metrics.steps == 9, "\(topology)")
        }
    }
}
