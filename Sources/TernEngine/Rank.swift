// Stations 6 to 10 on one rank: a plan becomes inputs, the model runs, tokens are drawn. A rank
// owns its weights, cache and buffers; it knows nothing of requests or of time.

import TernModel
import TernPlanning
import TernTensor

/// One rank: a model with its cache on one backend.
///
/// Thread: created and used on one thread.
final class Rank {
    /// What was settled while loading.
    struct Ready: Sendable {
        let memory: MemoryPlan
        let dtype: DType
        let parameters: Int
    }

    let ready: Ready
    private let backend: any Backend
    private let model: Llama
    private let cache: PagedKVCache
    private let buffers: StepBuffers
    private var sampler: Sampler

    /// Declares the weights, sums the memory, then loads.
    ///
    /// Throws: `CheckpointError`, `EngineError` or `StorageError`, before anything is loaded.
    init(
        _ configuration: EngineConfiguration, model description: ModelConfiguration,
        backend: any Backend, freeBytes: Int, report: (StartReport) -> Void
    ) throws {
        let source = try configuration.weightSource
        let dtype = configuration.dtype ?? description.savedType ?? source.commonType
        let loader = WeightLoader(source: source, dtype: dtype, backend: backend)
        model = try Llama(description, from: loader)
        let blockSize = configuration.blockSize
        let blockBytes = PagedKVCache.blockBytes(description, blockSize: blockSize, dtype: dtype)
        let longest =
            configuration.maxModelLength
            ?? min(
                description.maxPositions,
                configuration.cacheTokens(blockBytes: blockBytes, freeBytes: freeBytes))
        buffers = try StepBuffers(
            description,
            limits: StepLimits(
                tokens: configuration.maxBatchedTokens, sequences: configuration.maxSequences,
                positions: longest, blocksPerSequence: configuration.blocks(for: longest)))
        let memory = try MemoryPlan(
            MemoryPlan.Needs(
                weightBytes: loader.bytes, bufferBytes: buffers.bytes, blockBytes: blockBytes),
            configuration: configuration, longest: longest, freeBytes: freeBytes)
        report(.memory(memory))
        cache = try PagedKVCache(
            description, blockCount: memory.blockCount, blockSize: blockSize, dtype: dtype)
        loader.fill { report(.loading($0)) }
        buffers.fill(positions: memory.maxModelLength)
        sampler = Sampler(vocabularySize: description.vocabularySize)
        self.backend = backend
        ready = Ready(memory: memory, dtype: dtype, parameters: loader.parameters)
    }

    /// Runs one plan.
    func run(_ plan: StepPlan) -> StepResult {
        let input = StepInput(plan, writing: buffers, blockSize: cache.blockSize)
        let step = StepContext(
            buffers, backend: backend, cache: cache, tokens: input.tokens,
            sequences: input.sequences, tableEntries: input.tableEntries,
            sampled: input.draws.count)
        let logits = model.forward(step)
        var samples: [SampledToken] = []
        for (row, draw) in input.draws.enumerated() {
            let token = logits.rows(row..<row + 1).withElements(of: Float.self) {
                sampler.draw($0, draw.step, for: draw.sequence)
            }
            samples.append(token)
        }
        return StepResult(number: plan.number, samples: samples)
    }
}

extension EngineConfiguration {
    /// The most tokens that a cache could hold if it had all memory to itself.
    fileprivate func cacheTokens(blockBytes: Int, freeBytes: Int) -> Int {
        max(1, (cacheBytes ?? freeBytes) / blockBytes) * blockSize
    }

    /// The weights to load, opened.
    fileprivate var weightSource: WeightSource {
        get throws {
            switch loadFormat {
            case .auto: .checkpoint(try Checkpoint(folder: folder))
            case .dummy: .dummy(seed: seed ?? 0)
            }
        }
    }
}
