// The gated MLP of one decoder layer, its inner width split over the tensor group.

import TernParallel
import TernPlanning
import TernTensor

/// `down(activation(gate(x), up(x)))`; gate and up are one product, their outputs taking turns.
///
/// Source: Shazeer, arXiv 2002.05202; as LlamaMLP, Phi3MLP and Gemma2MLP of transformers.
struct MLP: Sendable {
    private let gateUp: ColumnParallelLinear
    private let down: RowParallelLinear
    private let activation: GatedActivation

    /// The MLP of a module, of some inner width.
    init(
        _ module: String, _ model: ModelConfiguration, innerWidth: Int, parts: Int,
        from loader: WeightLoader
    ) throws {
        let width = Partition(panelsOf: innerWidth, parts: parts)
        let projections: [Projection] =
            model.fusesProjections
            ? [0, innerWidth].map {
                Projection(module + ".gate_up_proj", fused: ($0, 2 * innerWidth))
            } : ["\(module).gate_proj", "\(module).up_proj"]
        gateUp = try loader.innerColumns(
            projections, width: width, inputs: model.hiddenSize, hasBias: model.hasMLPBias)
        down = try loader.rows(
            module + ".down_proj", outputs: model.hiddenSize, inputParts: width.boundaries,
            hasBias: model.hasMLPBias)
        activation = model.activation
    }

    /// Shape: `[n, hidden]` to `[n, hidden]`.
    ///
    /// Cost: reads the weights once for each `StepLimits.rowsAtOnce` rows; one all-reduce.
    func callAsFunction(
        _ input: Tensor, into hidden: Tensor, _ step: StepContext
    ) throws(CommunicationError) {
        let columns = gateUp.weight(step.view.tensorGroup).outputs
        let sums = down.ownSums(for: hidden, step)
        let turns = RowTurns(input.shape[0], atMost: step.rowsAtOnce)
        // By index: an iterator over ranges would cost an allocation where nothing is optimized.
        for turn in 0..<turns.count {
            let rows = turns[turn]
            let gates = step.gateUp(rows: rows.count, columns: columns)
            let activated = gates.tile(rows: 0..<rows.count, columns: 0..<columns / 2)
            gateUp(input.rows(rows), into: gates, step)
            step.backend.activateMultiply(gates, activation, into: activated)
            down.multiply(activated, into: sums.rows(rows), step)
        }
        try down.finish(sums, into: hidden, step)
    }
}
