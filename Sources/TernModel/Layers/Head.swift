// Station 9: the rows that need logits become logits. Only those rows are gathered over the ranks that
// split the tokens; then every rank multiplies with its share of the vocabulary, in either mode, and
// the output rank takes the shares together.

import TernParallel
import TernTensor

/// The end of a decoder: gather, normalize, multiply with the vocabulary's rows.
struct Head: Sendable {
    let norm: RMSNorm
    /// Shape: `[vocabulary, hidden]`; the embedding itself where the two are tied.
    let weight: WeightShard
    /// What logits are softly held within, if anything.
    let softCap: Float?

    /// Shape: hidden values of the own rows that ask, `[own, hidden]`, to logits of all that ask,
    /// `[rows, vocabulary]`, in the vocabulary's order on the output rank; nil on the others and where
    /// no row asks.
    ///
    /// Cost: one all-gather of those rows over the sequence group, one exchange of their logits.
    func callAsFunction(_ step: StepContext) throws(CommunicationError) -> Tensor? {
        let rows = step.sampled
        guard rows.count > 0 else { return nil }
        let group = step.headGroup
        if !step.view.sequenceGroup.isSingle {
            try step.communicator.allGather(
                rows.localHidden, into: rows.hidden, rows: rows.partition,
                over: step.view.sequenceGroup)
        }
        norm(rows.hidden, into: rows.hidden, on: step.backend)
        step.backend.linear(rows.hidden, weight(group), bias: nil, into: rows.shareOfLogits)
        if let softCap { step.backend.softCap(rows.shareOfLogits, cap: softCap) }
        if !group.isSingle {
            try step.communicator.allToAll(
                rows.shareOfLogits, into: rows.logits, rows.logitExchange, over: group)
        }
        return group.index == 0 ? rows.logits : nil
    }
}
