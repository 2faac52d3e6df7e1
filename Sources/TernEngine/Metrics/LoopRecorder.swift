// What the engine's loop notes on its way: when each step was planned, handed over, done and
// committed, and what became of choices. It feeds the metrics and, where there is one, the trace;
// it steers nothing.

import TernPlanning

/// Notes of one loop.
///
/// Thread: the loop's.
struct LoopRecorder {
    /// A step that was handed over and has no result yet.
    private struct Flight {
        let step: StepSummary
        let handedOver: Moment
    }

    /// When the last result came; tokens and ends count from here.
    private(set) var now = Moment.now
    private(set) var tally = StepTally()
    private let group: Int
    private let trace: LoopTrace?
    private var began = Moment.now
    /// When a step was last handed over.
    private(set) var handedOver = Moment.now
    private var flights: [Flight] = []
    private var lastMode: ParallelMode?

    /// Of a group of replicas; traced where a trace is given.
    init(group: Int, trace: StepTrace?) {
        self.group = group
        self.trace = trace.map { LoopTrace($0, group: group) }
    }

    /// The loop looks for something to plan.
    mutating func begin() { began = .now }

    /// A step was handed over, a plan for each replica.
    mutating func handOver(_ plans: [StepPlan]) {
        handedOver = .now
        let step = StepSummary(plans) { plan, tokens in
            if !plan.spans.isEmpty { tally.addPlan(plan.mode, tokens: tokens) }
        }
        guard let step else { return }
        if let lastMode, lastMode != step.mode { tally.addShift() }
        lastMode = step.mode
        flights.append(Flight(step: step, handedOver: handedOver))
    }

    /// The steps in flight were lost with their ranks.
    mutating func loseFlights() {
        for flight in flights { tally.addLost(flight.step.mode) }
        flights = []
    }

    /// The results of the oldest step in flight have come, one of each replica; it goes to the last
    /// steps.
    mutating func receive(_ results: [StepResult], in history: StepHistory) {
        let before = now
        now = .now
        let flight = flights.removeFirst()
        let step = flight.step
        // All replicas count their plans alike.
        for result in results where result.number != step.number {
            preconditionFailure("result of step \(result.number), expected \(step.number)")
        }
        let start = max(flight.handedOver, before)
        tally.addStep(step.mode, seconds: start.seconds(to: now))
        history.add(step, from: start, to: now)
        if let trace {
            let draws = results.reduce(0) { $0 + $1.samples.count }
            trace.step(step, draws: draws, from: start, to: now)
        }
    }

    /// A choice got a token, with which it may end.
    mutating func addToken(to generation: Generation, ends reason: FinishReason?) {
        if let gap = generation.timeline.addToken(at: now) {
            tally.addToken(after: gap)
        } else {
            tally.addFirstToken(generation.timeline)
        }
        if let reason { end(generation, reason) }
    }

    /// A choice ends.
    mutating func end(_ generation: Generation, _ reason: FinishReason) {
        tally.addEnd(reason, generation.timeline)
        trace?.request(generation, reason)
    }

    /// The step was committed; the tally of all since the last call goes to the counters.
    mutating func finish(_ counts: SchedulerCounts, in counters: EngineCounters) {
        trace?.loop(began: began, handedOver: handedOver, result: now, counts)
        flush(counts, to: counters)
    }

    /// Hands the tally over, with the gauges that go with it.
    mutating func flush(_ counts: SchedulerCounts, to counters: EngineCounters) {
        counters.add(tally, counts, of: group)
        tally.clear()
    }
}

extension EngineLoop {
    /// Notes that plans were handed over, and of whom they are the first. Who watches sees a step while
    /// it runs, which for a long prompt takes a while.
    mutating func note(handedOver plans: [StepPlan]) {
        recorder.handOver(plans)
        for plan in plans {
            // By index: a copy of a span retains all it holds, at every step of every sequence.
            for index in plan.spans.indices where plan.spans[index].sampling?.position ?? 0 == 0 {
                generations[plan.spans[index].sequence]?.begin(at: recorder.handedOver)
            }
        }
        recorder.flush(lockstep.counts, to: counters)
    }
}
