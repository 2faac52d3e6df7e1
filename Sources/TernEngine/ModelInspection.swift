// What an engine would be, without starting it: the model, the memory sum, the groups, and what each
// rank would hold. It declares weights and reserves addresses; it loads nothing.

import TernModel
import TernPlanning
import TernTensor

/// A model laid out over ranks.
public struct ModelInspection: Sendable {
    /// One rank's share.
    public struct Share: Sendable {
        /// The rank.
        public let rank: RankID
        /// Its layers.
        public let layers: Range<Int>
        /// The query heads it attends with, in every mode.
        public let queryHeads: Range<Int>
        /// The key-value heads in its cache, in every mode.
        public let keyValueHeads: Range<Int>
        /// The experts of each sparse layer that it has, whole or a slice of each; nil for a dense
        /// model.
        public let experts: Range<Int>?
        /// Its buffers between layers.
        public let bufferBytes: Int
        /// Its part of the cache.
        public let cacheBytes: Int
    }

    /// What the model is.
    public let model: ModelConfiguration
    /// How its ranks are laid out.
    public let topology: Topology
    /// The sum over all ranks.
    public let memory: MemoryPlan
    /// Type of weights that are not quantized.
    public let dtype: DType
    /// What is quantized.
    public let quantization: WeightQuantization
    /// Type of the cache.
    public let cacheType: DType
    /// Number of parameters.
    public let parameters: Int
    /// Each rank's share.
    public let shares: [Share]
    /// Why this machine is too small, if it is; the memory is then that for a single sequence.
    public private(set) var shortage: String?

    /// Looks at a model's files, whether the model fits this machine or not.
    ///
    /// Throws: as an engine's start does, before it loads; not for memory that is missing.
    public init(_ configuration: EngineConfiguration, freeBytes: Int) throws {
        do {
            try self.init(fitting: configuration, freeBytes: freeBytes)
        } catch let error as EngineError where error.kind == MemoryPlan.shortage {
            var alone = configuration
            alone.maxSequences = 1
            try self.init(fitting: alone, freeBytes: 1 << 50)
            shortage = error.message
        }
    }

    private init(fitting configuration: EngineConfiguration, freeBytes: Int) throws {
        let files = try ModelFiles(configuration.folder)
        model = try files.configuration()
        topology = configuration.topology
        let settled = try ModelStages(configuration, files, model: model, freeBytes: freeBytes)
        memory = settled.memory
        dtype = settled.dtype
        quantization = try configuration.quantization(of: model)
        cacheType = settled.cacheType
        parameters = settled.parameters
        let (model, memory, cacheType) = (model, memory, cacheType)
        shares = settled.ranks.map { rank in
            let blockBytes = PagedKVCache.blockBytes(
                model, layout: rank.layout, blockSize: memory.blockSize, dtype: cacheType)
            return Share(
                rank: rank.layout.rank, layers: rank.layout.layers,
                queryHeads: rank.layout.ownQueryHeads,
                keyValueHeads: rank.layout.ownKeyValueHeads,
                experts: model.experts.map { rank.layout.ownExperts(of: $0.count) },
                bufferBytes: rank.buffers.bytes,
                cacheBytes: memory.blockCount * blockBytes)
        }
    }
}
