// A product with a weight, and the four ways in which a decoder's weights are cut. What a cut
// means for the order of sums stands at PackedWeight; nothing here knows ranks.

import TernPlanning
import TernTensor

/// `y = x · Wᵀ + b`.
struct Linear: Sendable {
    let weight: PackedWeight
    let bias: Tensor?

    /// Shape: `[n, inputs]` to `[n, outputs]`.
    func callAsFunction(_ input: Tensor, into output: Tensor, on backend: any Backend) {
        backend.linear(input, weight, bias: bias, into: output)
    }
}

extension WeightLoader {
    /// Outputs that are heads, one block per head; several sources take turns, head by head.
    ///
    /// Names are of modules: `.weight` and `.bias` follow.
    func headColumns(
        _ modules: [String], heads: Int, headDimension: Int, inputs: Int, hasBias: Bool
    ) throws -> Linear {
        let blocks = Array(repeating: headDimension, count: heads)
        return try columns(modules, blocks: blocks, inputs: inputs, hasBias: hasBias)
    }

    /// Outputs of the MLP's inner width in blocks of 16, so that any union of parts is a range;
    /// two sources (gate and up) take turns, block by block.
    func innerColumns(_ modules: [String], width: Int, inputs: Int, hasBias: Bool) throws -> Linear
    {
        let blocks = stride(from: 0, to: width, by: PanelLayout.width).map {
            min(PanelLayout.width, width - $0)
        }
        return try columns(modules, blocks: blocks, inputs: inputs, hasBias: hasBias)
    }

    /// All outputs in one block; the inputs are cut into parts that are summed by the tree.
    func rows(_ module: String, outputs: Int, inputParts: [Int], hasBias: Bool) throws -> Linear {
        let layout = PanelLayout(blocks: [outputs])
        let source = RowSource(name: module + ".weight", blocks: [outputs])
        let weight = try matrix(layout: layout, inputParts: inputParts, sources: [source])
        return Linear(
            weight: weight, bias: hasBias ? try vector(module + ".bias", count: outputs) : nil)
    }

    /// A table with a row per token, cut into the parts of the vocabulary.
    func vocabularyRows(_ name: String, vocabulary: Int, hidden: Int) throws -> PackedWeight {
        let parts = Partition(count: vocabulary, unit: PanelLayout.width).boundaries
        let blocks = zip(parts, parts.dropFirst()).map { $1 - $0 }
        return try matrix(
            layout: PanelLayout(blocks: blocks), inputParts: [0, hidden],
            sources: [RowSource(name: name, blocks: blocks)])
    }

    private func columns(
        _ modules: [String], blocks: [Int], inputs: Int, hasBias: Bool
    ) throws -> Linear {
        let turns = modules.count
        let layout = PanelLayout(
            blocks: blocks.flatMap { Array(repeating: $0, count: turns) })
        func sources(_ suffix: String) -> [RowSource] {
            modules.enumerated().map { turn, module in
                RowSource(
                    name: module + suffix, blocks: blocks, firstBlock: turn, blockStep: turns)
            }
        }
        let weight = try matrix(
            layout: layout, inputParts: [0, inputs], sources: sources(".weight"))
        return Linear(
            weight: weight,
            bias: hasBias ? try vector(layout: layout, sources: sources(".bias")) : nil)
    }
}
