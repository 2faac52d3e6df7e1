// A time on the clock of latencies and traces: a number, for a decode step notes one for every token,
// and differences of the standard library's instants take 128-bit divisions.

import Glibc

/// Nanoseconds on the monotonic clock.
struct Moment: Sendable, Comparable {
    private let nanoseconds: Int

    /// The moment of the call.
    static var now: Moment {
        let time = timespec.now(CLOCK_MONOTONIC)
        return Moment(nanoseconds: time.tv_sec * 1_000_000_000 + time.tv_nsec)
    }

    static func < (one: Moment, other: Moment) -> Bool { one.nanoseconds < other.nanoseconds }

    /// Seconds to a later moment.
    func seconds(to end: Moment) -> Double { Double(end.nanoseconds - nanoseconds) * 1e-9 }
}
