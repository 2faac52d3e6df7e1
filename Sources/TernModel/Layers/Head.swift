// Station 9: the rows that need logits become logits. Only those rows are normalized and multiplied
// with the vocabulary.

import TernTensor

/// The end of a decoder: gather, normalize, multiply with the vocabulary's rows.
struct Head: Sendable {
    let norm: RMSNorm
    /// Shape: `[vocabulary, hidden]`; the embedding itself where the two are tied.
    let weight: PackedWeight

    /// Shape: hidden `[tokens, hidden]` to logits `[step.sampledRows, vocabulary]`.
    func callAsFunction(_ hidden: Tensor, _ step: StepContext) -> Tensor {
        let last = step.sampledHidden
        step.backend.gather(hidden, rows: step.sampledRows, into: last)
        norm(last, into: last, on: step.backend)
        step.backend.linear(last, weight, bias: nil, into: step.logits)
        return step.logits
    }
}
