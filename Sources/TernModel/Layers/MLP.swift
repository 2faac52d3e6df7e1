// The gated MLP of one decoder layer, its inner width split over the tensor group.

import TernParallel
import TernPlanning
import TernTensor

/// `down(silu(gate(x)) * up(x))`; gate and up are one product, their outputs taking turns.
///
/// Source: Shazeer, arXiv 2002.05202; as LlamaMLP of transformers.
struct MLP: Sendable {
    private let gateUp: ColumnParallelLinear
    private let down: RowParallelLinear

    init(
        _ module: String, _ model: ModelConfiguration, parts: Int, from loader: WeightLoader
    ) throws {
        let width = Partition(panelsOf: model.intermediateSize, parts: parts)
        gateUp = try loader.innerColumns(
            [module + ".gate_proj", module + ".up_proj"], width: width,
            inputs: model.hiddenSize, hasBias: model.hasMLPBias)
        down = try loader.rows(
            module + ".down_proj", outputs: model.hiddenSize, inputParts: width.boundaries,
            hasBias: model.hasMLPBias)
    }

    /// Shape: `[n, hidden]` to `[n, hidden]`.
    func callAsFunction(
        _ input: Tensor, into hidden: Tensor, _ step: StepContext
    ) throws(CommunicationError) {
        let columns = gateUp.weight(step.view.tensorGroup).outputs
        let gates = step.gateUp(columns: columns)
        let activated = step.activated(columns: columns / 2)
        gateUp(input, into: gates, step)
        step.backend.siluMultiply(gates, into: activated)
        try down(activated, into: hidden, step)
    }
}
