// A tiny model on every rank of a topology, without an engine: threads that share the weights, each
// with a cache and buffers of its own. Steps begin at position 0; what they move is read off each
// rank's communicator.

import CAllocationCounter
import TernCPU
import TernJSON
import TernParallel
import TernPlanning
import TernTensor
import TernTesting

@testable import TernModel

/// The sizes of a tiny model. Hidden size, vocabulary and inner widths divide by 3 and by 8.
struct TinyModel: Sendable {
    let hidden = 48
    let vocabulary = 384
    var queryHeads = 8
    var keyValueHeads = 4
    var layers = 2
    /// Experts of every layer; without any, layers have an ordinary MLP.
    var experts = 0
    let perToken = 2

    var headDimension: Int { hidden / queryHeads }

    var configuration: ModelConfiguration {
        get throws {
            let family = experts > 0 ? "Qwen3MoeForCausalLM" : "Qwen3ForCausalLM"
            let model = #""architectures": ["\#(family)"], "num_hidden_layers": \#(layers)"#
            let sizes = #""vocab_size": \#(vocabulary), "hidden_size": \#(hidden)"#
            let heads =
                #""num_attention_heads": \#(queryHeads), "head_dim": \#(headDimension)"#
                + #", "num_key_value_heads": \#(keyValueHeads), "intermediate_size": 96"#
            let mixture =
                #""num_experts": \#(experts), "num_experts_per_tok": \#(perToken)"#
                + #", "moe_intermediate_size": 48"#
            let text = "{\(model), \(sizes), \(heads), \(mixture)}"
            return try ModelConfiguration(json: JSON(parsing: Array(text.utf8)))
        }
    }
}

/// What one rank did in one step.
struct StepTrace: Sendable {
    let calls, bytes: [Collective: Int]
    /// Bits of the logits where this rank has them.
    let logits: [UInt32]
    /// Allocations of the forward pass.
    let allocations: Int64

    var totalBytes: Int { bytes.values.reduce(0, +) }
}

/// The ranks of a topology.
struct ModelRanks: Sendable {
    /// The most tokens of a step.
    static let tokens = 64

    let topology: Topology
    private let configuration: ModelConfiguration
    /// By stage.
    private let models: [Llama]
    private let oneShotBytes: Int
    private let rowsAtOnce: Int

    init(
        _ tiny: TinyModel, _ topology: Topology,
        oneShotBytes: Int = LocalWorld.defaultOneShotBytes,
        rowsAtOnce: Int = StepLimits.usualRowsAtOnce()
    ) throws {
        self.topology = topology
        self.oneShotBytes = oneShotBytes
        self.rowsAtOnce = rowsAtOnce
        let configuration = try tiny.configuration
        self.configuration = configuration
        let backend = try CPUBackend(processors: [0], pins: false)
        let layouts = try topology.ranks.map { try RankLayout($0, in: topology, configuration) }
        models = try (0..<topology.pipelineParallelSize).map { stage in
            let own = layouts.filter { $0.pipelineGroup.index == stage }
            let loader = WeightLoader(source: .dummy(seed: 1), dtype: .float32)
            let model = try Llama(configuration, layout: own[0], from: loader)
            for layout in own {
                for fill in loader.fills { try fill(for: [layout], on: backend) }
            }
            return model
        }
    }

    /// Runs a body on every rank; no rank may fail.
    func onEveryRank<Value: Sendable>(
        _ body: @escaping @Sendable (ModelRank) throws -> Value
    ) throws -> [Value] {
        let world = try LocalWorld(
            ranks: topology.worldSize, deadline: .seconds(30), spin: .microseconds(5),
            oneShotBytes: oneShotBytes)
        return try onThreads(topology.worldSize) { number in
            let layout = try RankLayout(RankID(number), in: topology, configuration)
            return try body(
                ModelRank(
                    models[layout.pipelineGroup.index], configuration, layout, in: world,
                    rowsAtOnce: rowsAtOnce))
        }.map { try $0.get() }
    }

    /// One step, its tokens and sampled rows given for each replica.
    func trace(_ mode: ParallelMode, tokens: [Int], sampled: [[Int]]) throws -> [StepTrace] {
        try onEveryRank { rank in
            try rank.trace(mode, tokens: tokens[rank.replica], sampled: sampled[rank.replica])
        }
    }
}

/// One rank, on its thread.
struct ModelRank {
    let layout: RankLayout
    let communicator: LocalCommunicator
    let buffers: StepBuffers
    private let model: Llama
    private let resources: RankResources
    private let blocks = ModelRanks.tokens / 16

    init(
        _ model: Llama, _ configuration: ModelConfiguration, _ layout: RankLayout,
        in world: LocalWorld, rowsAtOnce: Int
    ) throws {
        let backend = try CPUBackend(processors: [0], pins: false)
        self.model = model
        self.layout = layout
        communicator = LocalCommunicator(rank: layout.rank, in: world, backend: backend)
        buffers = try StepBuffers(
            configuration, layout: layout,
            limits: StepLimits(
                tokens: ModelRanks.tokens, sequences: 4, positions: ModelRanks.tokens,
                blocksPerSequence: blocks, rowsAtOnce: rowsAtOnce))
        resources = RankResources(
            configuration, layout: layout, backend: backend, communicator: communicator,
            cache: try PagedKVCache(
                configuration, layout: layout, blockCount: blocks, blockSize: 16, dtype: .float32),
            buffers: buffers)
    }

    var replica: Int { layout.topology.coordinate(.data, of: layout.rank) }

    /// A step of one sequence from its start, or of none; each replica has tokens of its own.
    func step(_ mode: ParallelMode, tokens: Int, sampled: [Int]) -> StepContext {
        let rows = 0..<tokens
        write(rows.map { ($0 * 37 + replica * 101 + 5) % 384 }, to: buffers.tokenIDs)
        write(Array(rows), to: buffers.positions)
        write(Array(rows), to: buffers.slots)
        write(sampled, to: buffers.sampledRows)
        write([0, tokens, 0, 0], to: buffers.spans)
        write(Array(0..<blocks), to: buffers.blocks)
        let isEmpty = tokens == 0
        return StepContext(
            resources, mode: mode,
            StepCounts(
                tokens: tokens, sequences: isEmpty ? 0 : 1, tableEntries: isEmpty ? 0 : blocks,
                sampled: sampled.count))
    }

    /// Runs a step through all layers, or the first of them, and says what it moved.
    func trace(
        _ mode: ParallelMode, tokens: Int, sampled: [Int], layers limit: Int = .max
    ) throws -> StepTrace {
        let step = step(mode, tokens: tokens, sampled: sampled)
        let before = communicator.counts
        let allocationsBefore = allocation_count()
        let logits = try model.forward(step, layers: limit)
        let allocations = allocation_count() - allocationsBefore
        let after = communicator.counts
        func difference(_ count: (CollectiveCounts, Collective) -> Int) -> [Collective: Int] {
            Dictionary(
                uniqueKeysWithValues: Collective.allCases.map {
                    ($0, count(after, $0) - count(before, $0))
                })
        }
        return StepTrace(
            calls: difference { $0.calls($1) }, bytes: difference { $0.bytes($1) },
            logits: logits?.withElements(of: UInt32.self) { Array($0) } ?? [],
            allocations: allocations)
    }

    private func write(_ values: [Int], to tensor: Tensor) {
        tensor.withElements(of: Int32.self) { elements in
            for (index, value) in values.enumerated() { elements[index] = Int32(value) }
        }
    }
}
