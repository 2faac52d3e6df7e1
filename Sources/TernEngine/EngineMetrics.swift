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
    /// The last steps, one by one.
    let steps = StepHistory()
    private let metrics = Mutex(EngineMetrics())
    private let groups = Mutex<[Int: SchedulerCounts]>([:])

    var snapshot: EngineMetrics { metrics.withLock { $0 } }
    var failure: EngineError? { metrics.withLock { $0.failure } }

    func countPrompt(tokens: Int) { metrics.withLock { $0.promptTokens += tokens } }

    /// Counts a plan, unless it is an idle replica's.
    func countStep(_ plan: StepPlan) {
        let tokens = plan.tokenCount
        guard tokens > 0 else { return }
        metrics.withLock {
            $0.steps += 1
            $0.stepsByMode[plan.mode, default: 0] += 1
            $0.computedTokens += tokens
        }
    }

    func countLost(_ modes: [ParallelMode]) {
        metrics.withLock { for mode in modes { $0.lostSteps[mode, default: 0] += 1 } }
    }

    func countWork(planning: Duration, text: Duration) {
        metrics.withLock {
            $0.planningTime += planning
            $0.textTime += text
        }
    }

    /// Takes in what a step added.
    func add(_ tally: StepTally) { metrics.withLock { $0.add(tally) } }

    /// Takes in the gauges of one group of replicas; the snapshot holds the sum.
    func publish(_ counts: SchedulerCounts, of group: Int) {
        metrics.withLock { metrics in
            groups.withLock { groups in
                groups[group] = counts
                let others = groups.filter { $0.key != group }
                metrics.scheduler = others.values.reduce(counts, +)
            }
        }
    }

    func fail(_ error: EngineError) { metrics.withLock { $0.failure = $0.failure ?? error } }
}
