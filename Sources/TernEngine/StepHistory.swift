// The last steps of an engine, for whoever watches it: when each ended, how long it took, how many
// tokens it had, and in which mode. The loops write it, a step at a time; it is bounded, so that a
// watcher who comes too late misses steps and nobody waits. Sums are EngineMetrics'.

import Synchronization
import TernPlanning

/// What is remembered of one step.
public struct StepRecord: Sendable, Equatable {
    /// Counts the steps of all replicas from 1, in the order in which they ended.
    public let number: UInt64
    /// How the ranks shared it.
    public let mode: ParallelMode
    /// The tokens that it computed.
    public let tokens: Int
    /// The sequences that they belong to.
    public let sequences: Int
    /// When it ended, since the engine's start.
    public let end: Duration
    /// From its hand-over, or from the end of the step before where that came later, to its end.
    public let duration: Duration

    /// Makes a record.
    public init(
        number: UInt64, mode: ParallelMode, tokens: Int, sequences: Int, end: Duration,
        duration: Duration
    ) {
        self.number = number
        self.mode = mode
        self.tokens = tokens
        self.sequences = sequences
        self.end = end
        self.duration = duration
    }
}

/// Steps that a watcher has not seen yet.
public struct RecentSteps: Sendable, Equatable {
    /// In order of their numbers; what came between the last one seen and the first of them is
    /// forgotten.
    public let steps: [StepRecord]
    /// The number of the last step that ended, 0 before the first.
    public let last: UInt64
    /// The time of the answer, on the clock of the records.
    public let now: Duration

    /// Makes an answer to a watcher.
    public init(steps: [StepRecord], last: UInt64, now: Duration) {
        self.steps = steps
        self.last = last
        self.now = now
    }
}

/// The records as they come.
///
/// Thread: every method may be called from any thread; a group's steps come from its loop's.
final class StepHistory: Sendable {
    /// Records that are kept.
    static let capacity = 2048

    /// A step that was handed over.
    private struct Flight: Sendable {
        let plan: UInt64
        let mode: ParallelMode
        let tokens: Int
        let sequences: Int
        let start: Duration
    }

    private struct State: Sendable {
        /// Record n stands at (n - 1) % capacity.
        var records: [StepRecord] = []
        var last: UInt64 = 0
        /// Of each group of replicas, in order.
        var flights: [Int: [Flight]] = [:]
        /// When each group's last step ended.
        var ends: [Int: Duration] = [:]
    }

    private let state = Mutex(State())
    private let start = ContinuousClock.now

    private var now: Duration { start.duration(to: .now) }

    /// Notes that a step was handed over: a plan for each replica of a group.
    func begin(_ plans: [StepPlan], of group: Int) {
        guard let first = plans.first else { return }
        let flight = Flight(
            plan: first.number, mode: first.mode, tokens: plans.reduce(0) { $0 + $1.tokenCount },
            sequences: plans.reduce(0) { $0 + $1.spans.count }, start: now)
        state.withLock { $0.flights[group, default: []].append(flight) }
    }

    /// Notes that the results of a step have come. Steps handed over before it that never ended,
    /// for their ranks died, are forgotten.
    func end(_ plan: UInt64, of group: Int) {
        let end = now
        state.withLock { state in
            guard let index = state.flights[group]?.firstIndex(where: { $0.plan == plan }),
                let flight = state.flights[group]?[index]
            else { return }
            state.flights[group]?.removeFirst(index + 1)
            let start = max(flight.start, state.ends[group] ?? .zero)
            state.ends[group] = end
            state.last += 1
            let record = StepRecord(
                number: state.last, mode: flight.mode, tokens: flight.tokens,
                sequences: flight.sequences, end: end, duration: end - start)
            if state.records.count < Self.capacity {
                state.records.append(record)
            } else {
                state.records[Int((state.last - 1) % UInt64(Self.capacity))] = record
            }
        }
    }

    /// The newest steps after a number, a bounded count of them.
    func steps(after number: UInt64, atMost limit: Int) -> RecentSteps {
        state.withLock { state in
            let kept = UInt64(max(0, min(limit, state.records.count)))
            let first = max(number < state.last ? number : state.last, state.last - kept)
            let steps = (first..<state.last).map {
                state.records[Int($0 % UInt64(Self.capacity))]
            }
            return RecentSteps(steps: steps, last: state.last, now: now)
        }
    }
}

extension Engine {
    /// The newest steps after a number, a bounded count of them.
    public func steps(after number: UInt64, atMost limit: Int) -> RecentSteps {
        history.steps(after: number, atMost: limit)
    }
}
