// The two ways in which the same ranks share a step. It is chosen by ShiftPolicy and resolved by
// ParallelView.init; nothing else asks for it.

/// What ranks of one model split in a step.
public enum ParallelMode: String, Sendable, CaseIterable {
    /// The tokens among the sequence ranks, the weights among the tensor ranks.
    case sequence
    /// The weights among all of them.
    case tensor
}

/// Which ranks share the experts of a mixture.
public enum ExpertGroup: String, Sendable, CaseIterable {
    /// Replicas and tensor ranks, as the reference does; sequence ranks hold the same experts.
    case dataTensor = "dp-tp"
    /// All ranks of all replicas that step together.
    case dataSequenceTensor = "dp-sp-tp"
}
