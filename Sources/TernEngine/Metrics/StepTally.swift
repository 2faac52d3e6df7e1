// What one step adds to the metrics. The loop gathers it without a lock and hands it over whole, so
// that a step costs one lock, however many tokens it gave.

import TernPlanning

/// The counts of one step. Unit of times: seconds.
struct StepTally {
    private(set) var steps: [(mode: ParallelMode, seconds: Double)] = []
    private(set) var plans: [(mode: ParallelMode, tokens: Int)] = []
    private(set) var lost: [ParallelMode] = []
    private(set) var shifts = 0
    private(set) var tokens = 0
    private(set) var gaps: [(seconds: Double, count: Int)] = []
    private(set) var starts: [RequestTimeline] = []
    private(set) var ends: [(FinishReason, RequestTimeline)] = []

    /// A step has a result.
    mutating func addStep(_ mode: ParallelMode, seconds: Double) { steps.append((mode, seconds)) }

    /// A plan was handed over.
    mutating func addPlan(_ mode: ParallelMode, tokens: Int) { plans.append((mode, tokens)) }

    /// Ranks took a step with them when they ended.
    mutating func addLost(_ mode: ParallelMode) { lost.append(mode) }

    /// A step has another mode than the one before it.
    mutating func addShift() { shifts += 1 }

    /// A token came, so long after the one before it. Most choices of a step share the gap.
    mutating func addToken(after gap: Double) {
        tokens += 1
        if let last = gaps.indices.last, gaps[last].seconds == gap {
            gaps[last].count += 1
        } else {
            gaps.append((gap, 1))
        }
    }

    /// The first token of a choice came.
    mutating func addFirstToken(_ timeline: RequestTimeline) {
        tokens += 1
        starts.append(timeline)
    }

    /// A choice ended.
    mutating func addEnd(_ reason: FinishReason, _ timeline: RequestTimeline) {
        ends.append((reason, timeline))
    }

    /// Starts again, and keeps its memory.
    mutating func clear() {
        steps.removeAll(keepingCapacity: true)
        plans.removeAll(keepingCapacity: true)
        lost.removeAll(keepingCapacity: true)
        gaps.removeAll(keepingCapacity: true)
        starts.removeAll(keepingCapacity: true)
        ends.removeAll(keepingCapacity: true)
        (shifts, tokens) = (0, 0)
    }
}

extension EngineMetrics {
    /// Takes in what a step added.
    mutating func add(_ tally: StepTally) {
        generatedTokens += tally.tokens
        shifts += tally.shifts
        for step in tally.steps { histograms.stepDuration[step.mode]?.record(step.seconds) }
        for plan in tally.plans {
            steps += 1
            stepsByMode[plan.mode, default: 0] += 1
            computedTokens += plan.tokens
            histograms.stepTokens.record(Double(plan.tokens))
        }
        for mode in tally.lost { lostSteps[mode, default: 0] += 1 }
        for gap in tally.gaps {
            histograms.interTokenLatency.record(gap.seconds, times: gap.count)
        }
        for start in tally.starts { histograms.addStart(start) }
        for (reason, timeline) in tally.ends {
            finished[reason, default: 0] += 1
            // What ended without being told all is not a latency anyone waited for.
            if reason == .stop || reason == .length { histograms.addEnd(timeline) }
        }
    }
}

extension EngineHistograms {
    fileprivate mutating func addStart(_ timeline: RequestTimeline) {
        guard let first = timeline.firstToken else { return }
        timeToFirstToken.record(timeline.entered.seconds(to: first))
        guard let scheduled = timeline.scheduled else { return }
        queueTime.record(timeline.entered.seconds(to: scheduled))
        prefillTime.record(scheduled.seconds(to: first))
    }

    fileprivate mutating func addEnd(_ timeline: RequestTimeline) {
        guard let first = timeline.firstToken, let last = timeline.lastToken else { return }
        endToEnd.record(timeline.entered.seconds(to: last))
        let seconds = first.seconds(to: last)
        decodeTime.record(seconds)
        if timeline.tokens > 1 {
            timePerOutputToken.record(seconds / Double(timeline.tokens - 1))
        }
    }
}
