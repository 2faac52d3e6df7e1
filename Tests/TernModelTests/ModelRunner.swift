// A model without an engine: one sequence, its blocks in order, logits asked for at will.

import TernModel
import TernParallel
import TernPlanning
import TernTensor

/// Runs one model for one sequence at a time.
final class ModelRunner {
    let configuration: ModelConfiguration
    private let model: Llama
    private let rank: RankResources
    private let buffers: StepBuffers

    convenience init(
        folder: String, dtype: DType, backend: any Backend, source: WeightSource? = nil,
        positions: Int = 256, quantization: WeightQuantization? = nil,
        rowsAtOnce: Int = StepLimits.usualRowsAtOnce()
    ) throws {
        try self.init(
            ModelConfiguration(folder: folder), dtype: dtype, backend: backend,
            source: source ?? .checkpoint(Checkpoint(folder: folder)), positions: positions,
            quantization: quantization, rowsAtOnce: rowsAtOnce)
    }

    init(
        _ configuration: ModelConfiguration, dtype: DType, backend: any Backend,
        source: WeightSource, positions: Int = 256, quantization: WeightQuantization? = nil,
        rowsAtOnce: Int = StepLimits.usualRowsAtOnce()
    ) throws {
        self.configuration = configuration
        let loader = WeightLoader(
            source: source, dtype: dtype,
            quantization: quantization ?? WeightQuantization(saved: configuration.quantization))
        let layout = try RankLayout(0, in: Topology(), configuration)
        model = try Llama(configuration, layout: layout, from: loader)
        for fill in loader.fills { try fill(for: [layout], on: backend) }
        let blocks = positions / 16
        buffers = try StepBuffers(
            configuration, layout: layout,
            limits: StepLimits(
                tokens: positions, sequences: 1, positions: positions, blocksPerSequence: blocks,
                rowsAtOnce: rowsAtOnce))
        let world = try LocalWorld(ranks: 1, deadline: .seconds(1), spin: .zero)
        rank = RankResources(
            configuration, layout: layout, backend: backend,
            communicator: LocalCommunicator(rank: 0, in: world, backend: backend),
            cache: try PagedKVCache(
                configuration, layout: layout, blockCount: blocks, blockSize: 16, dtype: dtype),
            buffers: buffers)
        buffers.blocks.withElements(of: Int32.self) { table in
            // Blocks out of order, so that a table that is ignored shows.
            for index in 0..<blocks { table[index] = Int32(blocks - 1 - index) }
        }
    }

    /// Computes tokens at positions that follow those computed before; the last one's logits.
    func logits(_ tokens: [Int], at first: Int) -> [Float] {
        let blocks = buffers.blocks.shape[0]
        for (index, token) in tokens.enumerated() {
            let position = first + index
            set(buffers.tokenIDs, index, token)
            set(buffers.positions, index, position)
            set(buffers.slots, index, (blocks - 1 - position / 16) * 16 + position % 16)
        }
        set(buffers.sampledRows, 0, tokens.count - 1)
        for (index, value) in [0, tokens.count, first, 0].enumerated() {
            set(buffers.spans, index, value)
        }
        let step = StepContext(
            rank, mode: .tensor,
            StepCounts(tokens: tokens.count, sequences: 1, tableEntries: blocks, sampled: 1))
        do {
            return try model.forward(step)?.withElements(of: Float.self) { Array($0) } ?? []
        } catch {
            preconditionFailure("one rank alone has no peers that fail: \(error)")
        }
    }

    /// Continues a prompt with the best tokens.
    func greedy(_ prompt: [Int], count: Int) -> [Int] {
        var row = logits(prompt, at: 0)
        var tokens: [Int] = []
        while tokens.count < count {
            let best = row.indices.max { row[$0] < row[$1] || (row[$0] == row[$1] && $0 > $1) } ?? 0
            tokens.append(best)
            if tokens.count < count { row = logits([best], at: prompt.count + tokens.count - 1) }
        }
        return tokens
    }

    private func set(_ tensor: Tensor, _ index: Int, _ value: Int) {
        tensor.withElements(of: Int32.self) { $0[index] = Int32(value) }
    }
}
