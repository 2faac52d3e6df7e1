// The gated MLP of one decoder layer.

import TernPlanning
import TernTensor

/// `down(silu(gate(x)) * up(x))`; gate and up are one product, their outputs taking turns.
///
/// Source: Shazeer, arXiv 2002.05202; as LlamaMLP of transformers.
struct MLP: Sendable {
    private let gateUp: Linear
    private let down: Linear

    init(_ module: String, _ model: ModelConfiguration, from loader: WeightLoader) throws {
        gateUp = try loader.innerColumns(
            [module + ".gate_proj", module + ".up_proj"], width: model.intermediateSize,
            inputs: model.hiddenSize, hasBias: model.hasMLPBias)
        let parts = Partition(count: model.intermediateSize, unit: PanelLayout.width).boundaries
        down = try loader.rows(
            module + ".down_proj", outputs: model.hiddenSize, inputParts: parts,
            hasBias: model.hasMLPBias)
    }

    /// Shape: `[n, hidden]` to `[n, hidden]`.
    func callAsFunction(_ input: Tensor, into hidden: Tensor, _ step: StepContext) {
        gateUp(input, into: step.gateUp, on: step.backend)
        step.backend.siluMultiply(step.gateUp, into: step.activated)
        down(step.activated, into: hidden, on: step.backend)
    }
}
