// How long to wait before ranks are started again. It is told how long they lived and has no clock.

/// Waits that grow while ranks die young.
struct RestartBackoff: Sendable {
    /// Ranks that were ready for so long, or for as long as they took to start, were worth their
    /// start: the next may follow at once.
    static let healthyLife = Duration.seconds(2)
    /// The longest wait.
    static let longest = Duration.seconds(30)

    private var next = Duration.zero

    /// The wait after a life of so long, counted from when the ranks were ready; zero for a start
    /// that failed. 0, 1, 2, 4, … 30 s where life after life is short.
    mutating func wait(afterLifeOf life: Duration, startedIn start: Duration) -> Duration {
        if life >= min(Self.healthyLife, start) { next = .zero }
        defer { next = next == .zero ? .seconds(1) : min(next * 2, Self.longest) }
        return next
    }
}
