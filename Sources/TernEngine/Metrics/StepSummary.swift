// What is told of a step once it is planned, to metrics, traces and the last steps alike: a few numbers,
// for nobody there may hold on to its tokens.

import TernPlanning

/// A step of replicas that step together.
struct StepSummary: Sendable, Equatable {
    /// Its number among the group's.
    let number: UInt64
    /// How the ranks share it.
    let mode: ParallelMode
    /// Tokens of all replicas.
    let tokens: Int
    /// Sequences of all replicas.
    let sequences: Int

    /// Of a plan for each replica; nil where there is none.
    init?(_ plans: [StepPlan]) {
        guard let first = plans.first else { return nil }
        number = first.number
        mode = first.mode
        tokens = plans.reduce(0) { $0 + $1.tokenCount }
        sequences = plans.reduce(0) { $0 + $1.spans.count }
    }
}
