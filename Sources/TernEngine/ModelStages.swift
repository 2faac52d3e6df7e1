// What all ranks of an engine share or have, settled before any of them runs: the stages' weights,
// one copy for all ranks of a stage, and each rank's place, buffers and cache. Only addresses are
// reserved here; the ranks' own threads touch the memory first.

import TernModel
import TernPlanning
import TernTensor

/// One stage's layers, and what fills their weights.
struct ModelStage: Sendable {
    let model: Llama
    let fills: [WeightFill]
}

/// One rank's memory.
struct RankMemory: Sendable {
    let layout: RankLayout
    let buffers: StepBuffers
    let cache: PagedKVCache
}

/// The memory of all ranks of all replicas, which share the stages' weights.
struct ModelStages: Sendable {
    let stages: [ModelStage]
    let ranks: [RankMemory]
    let memory: MemoryPlan
    let dtype: DType
    let cacheType: DType
    let parameters: Int

    /// Declares the weights, sums the memory, reserves what it allows.
    ///
    /// Throws: `TopologyError`, `CheckpointError`, `EngineError` or `StorageError`.
    init(
        _ configuration: EngineConfiguration, _ files: ModelFiles, model: ModelConfiguration,
        freeBytes: Int
    ) throws {
        let topology = configuration.topology
        try topology.validate(ModelShape(model))
        let layouts = try topology.ranks.map { try RankLayout($0, in: topology, model) }
        let source = try configuration.weightSource(files)
        let dtype = configuration.dtype ?? model.savedType ?? source.commonType
        let quantization = try configuration.quantization(of: model)
        let cacheType = configuration.cacheType ?? dtype
        var weightBytes = 0
        var parameters = 0
        stages = try layouts.filter(\.leadsStage).map { layout in
            let loader = WeightLoader(source: source, dtype: dtype, quantization: quantization)
            let stage = try Llama(model, layout: layout, from: loader)
            weightBytes += loader.bytes
            parameters += loader.parameters
            return ModelStage(model: stage, fills: loader.fills)
        }
        let blockSize = configuration.blockSize
        let blockBytes = layouts.reduce(0) {
            $0 + PagedKVCache.blockBytes(model, layout: $1, blockSize: blockSize, dtype: cacheType)
        }
        let longest =
            configuration.maxModelLength
            ?? min(
                model.maxPositions,
                max(1, (configuration.cacheBytes ?? freeBytes) / blockBytes) * blockSize)
        let limits = StepLimits(
            tokens: configuration.maxBatchedTokens, sequences: configuration.maxSequences,
            positions: longest, blocksPerSequence: configuration.blocks(for: longest),
            logitRows: configuration.maxLogitRows,
            rowsAtOnce: StepLimits.usualRowsAtOnce(quantization))
        let buffers = try layouts.map { try StepBuffers(model, layout: $0, limits: limits) }
        let memory = try MemoryPlan(
            MemoryPlan.Needs(
                weightBytes: weightBytes, bufferBytes: buffers.reduce(0) { $0 + $1.bytes },
                blockBytes: blockBytes),
            configuration: configuration, longest: longest, freeBytes: freeBytes)
        ranks = try zip(layouts, buffers).map { layout, buffers in
            let cache = try PagedKVCache(
                model, layout: layout, blockCount: memory.blockCount, blockSize: blockSize,
                dtype: cacheType)
            return RankMemory(layout: layout, buffers: buffers, cache: cache)
        }
        self.memory = memory
        self.dtype = dtype
        self.cacheType = cacheType
        self.parameters = parameters
    }
}

extension ModelShape {
    /// What of a model a topology divides.
    fileprivate init(_ model: ModelConfiguration) {
        self.init(
            queryHeads: model.queryHeads, keyValueHeads: model.keyValueHeads,
            layers: model.layers, experts: model.experts?.count ?? 0,
            vocabulary: model.vocabularySize,
            innerWidth: model.intermediateSize)
    }
}

extension RankLayout {
    /// Whether it is the first of those that share a stage's weights, in the first replica.
    fileprivate var leadsStage: Bool {
        headGroup.index == 0 && topology.coordinate(.data, of: rank) == 0
    }
}

extension EngineConfiguration {
    /// The weights to load, opened.
    fileprivate func weightSource(_ files: ModelFiles) throws(CheckpointError) -> WeightSource {
        switch loadFormat {
        case .auto: .checkpoint(try files.checkpoint())
        case .dummy: .dummy(seed: seed ?? 0)
        }
    }
}
