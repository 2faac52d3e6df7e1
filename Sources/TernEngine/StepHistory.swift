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
/// Thread: every method may be called from any thread.
final class StepHistory: Sendable {
    /// Records that are kept.
    static let capacity = 2048

    private struct Entry: Sendable {
        let step: StepSummary
        let start: Moment
        let end: Moment
    }

    private struct State: Sendable {
        /// Step n stands at (n - 1) % capacity.
        var entries: [Entry] = []
        var last: UInt64 = 0
    }

    private let state = Mutex(State())
    private let start = Moment.now

    /// Adds a step that has ended.
    func add(_ step: StepSummary, from start: Moment, to end: Moment) {
        let entry = Entry(step: step, start: start, end: end)
        state.withLock { state in
            state.last += 1
            if state.entries.count < Self.capacity {
                state.entries.append(entry)
            } else {
                state.entries[Self.place(of: state.last)] = entry
            }
        }
    }

    private static func place(of number: UInt64) -> Int { Int((number - 1) % UInt64(capacity)) }

    /// The newest steps after a number, a bounded count of them.
    func steps(after number: UInt64, atMost limit: Int) -> RecentSteps {
        state.withLock { state in
            let kept = UInt64(max(0, min(limit, state.entries.count)))
            let seen = max(min(number, state.last), state.last - kept)
            let steps = (seen..<state.last).map { seen in
                record(state.entries[Self.place(of: seen + 1)], number: seen + 1)
            }
            return RecentSteps(
                steps: steps, last: state.last, now: .seconds(start.seconds(to: .now)))
        }
    }

    private func record(_ entry: Entry, number: UInt64) -> StepRecord {
        StepRecord(
            number: number, mode: entry.step.mode, tokens: entry.step.tokens,
            sequences: entry.step.sequences, end: .seconds(start.seconds(to: entry.end)),
            duration: .seconds(entry.start.seconds(to: entry.end)))
    }
}

extension Engine {
    /// The newest steps after a number, a bounded count of them.
    public func steps(after number: UInt64, atMost limit: Int) -> RecentSteps {
        history.steps(after: number, atMost: limit)
    }
}
