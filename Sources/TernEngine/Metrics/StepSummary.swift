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

    /// Of a plan for each replica; nil where there is none. Tells the tokens of each, which are counted
    /// here once for all.
    init?(_ plans: [StepPlan], count: (StepPlan, Int) -> Void = { _, _ in }) {
        guard let first = plans.first else { return nil }
        var (tokens, sequences) = (0, 0)
        for plan in plans {
            let planned = plan.tokenCount
            count(plan, planned)
            tokens += planned
            sequences += plan.spans.count
        }
        number = first.number
        mode = first.mode
        self.tokens = tokens
        self.sequences = sequences
    }
}
