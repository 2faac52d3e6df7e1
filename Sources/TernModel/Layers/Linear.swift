// A product with a weight that ranks split, and how a decoder's weights are cut. Each product takes
// its own shard by the step's view; none asks for the mode. What a cut means for the order of sums
// stands at PackedWeight.

import TernParallel
import TernPlanning
import TernTensor

/// `y = x · Wᵀ + b` where each rank of the tensor group has some of the outputs, and no more.
struct ColumnParallelLinear: Sendable {
    let weight: WeightShard
    let bias: Tensor?

    /// Shape: `[n, inputs]` to `[n, the shard's outputs]`.
    func callAsFunction(_ input: Tensor, into output: Tensor, _ step: StepContext) {
        let shard = weight(step.view.tensorGroup)
        step.backend.linear(
            input, shard, bias: bias?.rows(shard.outputRows), into: output)
    }
}

/// `y = x · Wᵀ + b` that every rank computes for its own tokens.
struct ReplicatedLinear: Sendable {
    let weight: PackedWeight
    let bias: Tensor?

    /// Shape: `[n, inputs]` to `[n, outputs]`.
    func callAsFunction(_ input: Tensor, into output: Tensor, on backend: any Backend) {
        backend.linear(input, weight, bias: bias, into: output)
    }
}

/// `y = x · Wᵀ + b` where each rank of the tensor group has some of the inputs; their sum, by the
/// tree that one rank follows too, is on every rank.
struct RowParallelLinear: Sendable {
    let weight: WeightShard
    let bias: Tensor?

    /// Shape: `[n, the shard's inputs]` to `[n, outputs]`.
    ///
    /// Cost: one all-reduce of `[n, outputs]` over the tensor group.
    func callAsFunction(
        _ input: Tensor, into output: Tensor, _ step: StepContext
    ) throws(CommunicationError) {
        let sums = ownSums(for: output, step)
        multiply(input, into: sums, step)
        try finish(sums, into: output, step)
    }

    /// Where this rank's share of an output is to be written, by rows in any order.
    func ownSums(for output: Tensor, _ step: StepContext) -> Tensor {
        step.view.tensorGroup.isSingle ? output : step.partial
    }

    /// This rank's share of some rows.
    func multiply(_ input: Tensor, into sums: Tensor, _ step: StepContext) {
        let group = step.view.tensorGroup
        step.backend.linear(input, weight(group), bias: group.isSingle ? bias : nil, into: sums)
    }

    /// Adds up the shares of all rows; where there are none, no rank of the group has any.
    func finish(
        _ sums: Tensor, into output: Tensor, _ step: StepContext
    ) throws(CommunicationError) {
        let group = step.view.tensorGroup
        guard !group.isSingle && output.shape[0] > 0 else { return }
        try step.communicator.allReduce(sums, into: output, over: group)
        if let bias { step.backend.add(bias.repeated(output.shape[0]), to: output) }
    }
}

/// A module of a checkpoint, `.weight` and `.bias`, or some neighbouring rows of one.
struct Projection: ExpressibleByStringInterpolation {
    let module: String
    /// The row to begin with, and how many the module has; nil where all are meant.
    var fused: (first: Int, all: Int)?

    init(_ module: String, fused: (first: Int, all: Int)? = nil) {
        (self.module, self.fused) = (module, fused)
    }

    init(stringLiteral module: String) { self.init(module) }
}

extension WeightLoader {
    /// Outputs that are heads, one block per head; several sources take turns, head by head.
    func headColumns(
        _ sources: [Projection], heads: Int, headDimension: Int, inputs: Int, shards: ShardRanges,
        hasBias: Bool
    ) throws -> ColumnParallelLinear {
        let blocks = Array(repeating: headDimension, count: heads)
        return try columns(
            sources, blocks: blocks, inputs: inputs, shards: shards, hasBias: hasBias)
    }

    /// Outputs that every rank computes, in one block.
    func replicated(
        _ module: String, outputs: Int, inputs: Int, hasBias: Bool
    ) throws -> ReplicatedLinear {
        let layout = PanelLayout(blocks: [outputs])
        let weight = try matrix(
            layout: layout, inputParts: [0, inputs],
            sources: [RowSource(name: module + ".weight", blocks: [outputs])], cut: nil)
        return ReplicatedLinear(
            weight: weight, bias: hasBias ? try vector(module + ".bias", count: outputs) : nil)
    }

    /// Outputs of the MLP's inner width in blocks of 16, so that any union of parts is a range;
    /// two sources (gate and up) take turns, block by block.
    func innerColumns(
        _ sources: [Projection], width: Partition, inputs: Int, hasBias: Bool
    ) throws -> ColumnParallelLinear {
        try columns(
            sources, blocks: width.panelBlocks, inputs: inputs,
            shards: ShardRanges(panelBlocksOf: width), hasBias: hasBias)
    }

    /// All outputs in one block; the inputs are cut into parts that are summed by the tree.
    func rows(
        _ module: String, outputs: Int, inputParts: [Int], hasBias: Bool
    ) throws -> RowParallelLinear {
        let layout = PanelLayout(blocks: [outputs])
        let source = RowSource(name: module + ".weight", blocks: [outputs])
        let cut = WeightShard.Cut.inputs(parts: inputParts.count - 1)
        let weight = try matrix(
            layout: layout, inputParts: inputParts, sources: [source], cut: cut,
            role: .layer)
        return RowParallelLinear(
            weight: WeightShard(whole: weight, cut: cut),
            bias: hasBias ? try vector(module + ".bias", count: outputs) : nil)
    }

    /// A table with a row per token, cut into the parts of the vocabulary; one that logits come of may
    /// be quantized.
    func vocabularyRows(
        _ name: String, vocabulary: Partition, hidden: Int, isHead: Bool
    ) throws -> WeightShard {
        let parts = vocabulary.boundaries
        let blocks = zip(parts, parts.dropFirst()).map { $1 - $0 }
        let cut = WeightShard.Cut.outputs(ShardRanges(blocks.indices.map { $0..<$0 + 1 }))
        let table = try matrix(
            layout: PanelLayout(blocks: blocks), inputParts: [0, hidden],
            sources: [RowSource(name: name, blocks: blocks)], cut: cut,
            role: isHead ? .head : .kept)
        return WeightShard(whole: table, cut: cut)
    }

    /// `shards` counts blocks of one source.
    private func columns(
        _ projections: [Projection], blocks: [Int], inputs: Int, shards: ShardRanges, hasBias: Bool
    ) throws -> ColumnParallelLinear {
        let turns = projections.count
        let layout = PanelLayout(
            blocks: blocks.flatMap { Array(repeating: $0, count: turns) })
        func sources(_ suffix: String, place: (Int, Int) -> RowPlace) -> [RowSource] {
            projections.enumerated().map { turn, projection in
                RowSource(
                    name: projection.module + suffix, blocks: blocks, firstBlock: turn,
                    blockStep: turns, place: projection.fused.map(place))
            }
        }
        let weight = try matrix(
            layout: layout, inputParts: [0, inputs],
            sources: sources(".weight") { .rows(from: $0, shape: [$1, inputs]) },
            cut: .outputs(shards), role: .layer)
        return ColumnParallelLinear(
            weight: WeightShard(whole: weight, cut: .outputs(shards.scaled(by: turns))),
            bias: hasBias
                ? try vector(
                    layout: layout, sources: sources(".bias") { .elements(from: $0, shape: [$1]) })
                : nil)
    }
}
