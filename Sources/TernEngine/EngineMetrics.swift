// The engine in numbers, for logs and /metrics. The loop writes them, any thread reads a copy.

import Synchronization
import TernPlanning

/// A snapshot of an engine's counters.
public struct EngineMetrics: Sendable {
    /// The scheduler's gauges; nil before the first step.
    public var scheduler: SchedulerCounts?
    /// Tokens of all prompts accepted.
    public var promptTokens = 0
    /// Tokens generated.
    public var generatedTokens = 0
    /// Steps executed.
    public var steps = 0
    /// The same by the mode that was chosen.
    public var stepsByMode: [ParallelMode: Int] = [:]
    /// Steps that ranks took with them when they ended, by mode.
    public var lostSteps: [ParallelMode: Int] = [:]
    /// Processor time of the loops' own work in them: schedule, plan, hand over, commit.
    public var planningTime = Duration.zero
    /// Processor time of the loops to make text of the tokens.
    public var textTime = Duration.zero
    /// Tokens computed in them: prompts and generation.
    public var computedTokens = 0
    /// Choices that ended, by reason.
    public var finished: [FinishReason: Int] = [:]
    /// Steps with another mode than the step before.
    public var shifts = 0
    /// Times and sizes, by how often.
    public var histograms = EngineHistograms()
    /// Bytes that all ranks received from others, by collective.
    public var communicationBytes: [String: Int] = [:]
    /// Whether the ranks take plans, and how often they were started again.
    public var ranks = RankStatus()
    /// Why the engine takes no more requests, once it does not.
    public var failure: EngineError?
}

/// The metrics as they change.
final class EngineCounters: Sendable {
    private struct State {
        var metrics = EngineMetrics()
        /// Of each group of replicas, in order.
        var gauges: [Int: SchedulerCounts] = [:]
    }

    /// The last steps, one by one.
    let steps = StepHistory()
    private let state = Mutex(State())

    /// A copy; its gauges are the sums over all groups.
    var snapshot: EngineMetrics {
        state.withLock { state in
            var metrics = state.metrics
            metrics.scheduler = state.gauges.values.reduce(nil) { sum, counts in
                sum.map { $0 + counts } ?? counts
            }
            return metrics
        }
    }
    var failure: EngineError? { state.withLock { $0.metrics.failure } }

    func countPrompt(tokens: Int) { state.withLock { $0.metrics.promptTokens += tokens } }

    func countWork(planning: Duration, text: Duration) {
        state.withLock {
            $0.metrics.planningTime += planning
            $0.metrics.textTime += text
        }
    }

    /// Takes in what a group's step added and what its gauges are then.
    func add(_ tally: StepTally, _ gauges: SchedulerCounts, of group: Int) {
        state.withLock {
            $0.metrics.add(tally)
            $0.gauges[group] = gauges
        }
    }

    func fail(_ error: EngineError) {
        state.withLock { $0.metrics.failure = $0.metrics.failure ?? error }
    }
}
