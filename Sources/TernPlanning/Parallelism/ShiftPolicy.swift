// When the ranks shift: the one place where a step's mode is chosen, from nothing but its number of
// tokens. The threshold is measured elsewhere, or given.

/// Chooses the mode of each step.
public struct ShiftPolicy: Sendable, Equatable {
    /// What the choice rests on.
    public enum Rule: Sendable, Equatable {
        /// Tensor mode up to so many tokens, sequence mode beyond.
        case threshold(Int)
        /// One mode for all steps.
        case pinned(ParallelMode)
    }

    /// What the choice rests on.
    public let rule: Rule

    /// A policy with a rule.
    public init(_ rule: Rule) { self.rule = rule }

    /// The mode of a step. `tokens`: prefill chunks and decodes together; of replicas that step
    /// together, the largest count.
    public func mode(tokens: Int) -> ParallelMode {
        switch rule {
        case .threshold(let threshold): tokens <= threshold ? .tensor : .sequence
        case .pinned(let mode): mode
        }
    }
}
