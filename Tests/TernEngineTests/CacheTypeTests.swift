import TernEngine
import TernPlanning
import TernTensor
import TernTesting
import Testing

/// Caches of another type than the weights. That no mode changes their bits either is
/// BundledModelBitsTests' business.
@Suite("Types of the cache")
struct CacheTypeTests {
    private static func requests(_ engine: Engine) -> [GenerationRequest] {
        (0..<5).map { index in
            var parameters = engine.greedy(12 + 3 * index)
            parameters.logprobs = 131
            return GenerationRequest(
                prompt: tokens(5 + 29 * index, salt: index), parameters: parameters)
        }
    }

    private static func answers(_ type: DType, batchedTokens: Int) throws -> [[Answer]] {
        let engine = try Engine.tiny {
            $0.cacheType = type
            $0.maxBatchedTokens = batchedTokens
        }
        let first = try engine.answers(requests(engine))
        // The second time, prompts are found in the prefix cache.
        #expect(try engine.answers(requests(engine)) == first)
        #expect((engine.metrics.scheduler?.prefixHitTokens ?? 0) > 0 && engine.cacheType == type)
        try engine.stop()
        return first
    }

    @Test(
        "Batches, chunks and prefix hits do not change an answer, whatever the type",
        arguments: [DType.int8, .float16, .float32])
    func bits(type: DType) throws {
        let engine = try Engine.tiny {
            $0.cacheType = type
            $0.maxBatchedTokens = 256
        }
        let alone = try Self.requests(engine).map { try engine.answers([$0])[0] }
        try engine.stop()
        for batchedTokens in [256, 31, 8] {
            #expect(try Self.answers(type, batchedTokens: batchedTokens) == alone)
        }
    }

    @Test("A cache in int8 takes a byte an element and two scales a token and head")
    func bytes() throws {
        func inspect(_ type: DType?) throws -> ModelInspection {
            var configuration = EngineConfiguration(folder: Fixture.telemachus)
            configuration.cacheType = type
            configuration.maxModelLength = 64
            configuration.maxSequences = 1
            return try ModelInspection(configuration, freeBytes: 1 << 30)
        }
        let plain = try inspect(nil), small = try inspect(.int8)
        #expect(plain.cacheType == plain.dtype && small.cacheType == .int8)
        #expect(small.dtype == plain.dtype && small.memory.weightBytes == plain.memory.weightBytes)
        let dimension = small.model.headDimension
        // Of a block, without the page by which blocks of 64 KiB are kept apart.
        func block(_ memory: MemoryPlan) -> Int {
            let bytes = memory.cacheBytes / memory.blockCount
            return bytes % 65536 == 4096 ? bytes - 4096 : bytes
        }
        #expect(
            block(small.memory) * dimension * plain.dtype.bytes
                == block(plain.memory) * (dimension + 4))
        #expect(small.shares[0].cacheBytes == small.memory.cacheBytes)
    }
}
