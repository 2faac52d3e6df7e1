// Small schedulers, short sequences and made-up results for the scripted tests of the scheduler.

import TernPlanning
import Testing

/// A scheduler with small limits, unless a test changes them.
func scheduler(
    maxBatchedTokens: Int = 16, maxSequences: Int = 4, maxModelLength: Int = 64,
    blockSize: Int = 4, blockCount: Int = 64, caching: Bool = true, plansInFlight: Int = 1
) -> Scheduler {
    Scheduler(
        SchedulerConfiguration(
            maxBatchedTokens: maxBatchedTokens, maxSequences: maxSequences,
            maxModelLength: maxModelLength, blockSize: blockSize, blockCount: blockCount,
            enablesPrefixCaching: caching, maxPlansInFlight: plansInFlight))
}

/// A sequence whose prompt counts up from a first token.
func sequence(
    _ id: SequenceID, tokens: Int, first: Int = 100, maxTokens: Int = 8, salt: String? = nil,
    change: (inout SamplingParameters) -> Void = { _ in }
) -> Sequence {
    var parameters = SamplingParameters(seed: 0, maxTokens: maxTokens, endOfSequenceIDs: [0])
    change(&parameters)
    return Sequence(
        id: id, prompt: (first..<first + tokens).map { TokenID($0) }, parameters: parameters,
        cacheSalt: salt)
}

/// A result that draws the same token for every sampling span.
func result(of plan: StepPlan, token: TokenID = 1) -> StepResult {
    let sampling = plan.spans.filter { $0.sampling != nil }
    return StepResult(
        number: plan.number,
        samples: sampling.map { SampledToken(sequence: $0.sequence, token: token) })
}

extension Scheduler {
    /// The next plan, where there must be one.
    mutating func plan() throws -> StepPlan {
        let plan = schedule()
        return try #require(plan)
    }

    /// Whether there is nothing to plan.
    var rests: Bool {
        var copy = self
        return copy.schedule() == nil
    }

    /// Plans and commits one step, and checks everything after both.
    mutating func step(
        token: TokenID = 1
    ) throws -> (plan: StepPlan, progress: [SequenceProgress]) {
        let plan = try plan()
        try checkIntegrity()
        let progress = commit(result(of: plan, token: token))
        try checkIntegrity()
        return (plan, progress)
    }

    /// Runs everything to its end and returns the number of steps.
    mutating func drain() throws -> Int {
        var steps = 0
        while hasWork {
            _ = try step()
            steps += 1
        }
        return steps
    }
}

extension StepPlan {
    /// Each span's sequence, first position and token count.
    var outline: [[Int]] {
        spans.map { [Int($0.sequence.rawValue), $0.firstPosition, $0.tokens.count] }
    }
}
