// How a server ends: first it lets what runs come to its end, then it tells those that are left that
// it stops, then the loop stops.

/// The steps to a server's end. Thread: the loop's.
final class Shutdown {
    private let http: HTTPServer
    private let loop: EventLoop
    private let timeout: Duration
    private let report: (String) -> Void
    private let cut: () -> Void
    private var timer: LoopEvent?
    private var state = State.serving

    private enum State {
        case serving
        /// Clients may finish.
        case draining
        /// Clients were told; their last bytes go out.
        case cutting
    }

    /// How long the last bytes may take.
    private static let farewell = Duration.seconds(1)

    /// `cut` ends what still runs with an error that its clients see.
    init(
        of http: HTTPServer, on loop: EventLoop, timeout: Duration,
        report: @escaping (String) -> Void, cut: @escaping () -> Void
    ) throws(ServerError) {
        self.http = http
        self.loop = loop
        self.timeout = timeout
        self.report = report
        self.cut = cut
        timer = try LoopEvent(timerOn: loop) { [unowned self] in expire() }
    }

    /// The first call lets clients finish within the timeout; the second one does not.
    func begin() {
        guard state == .serving, timeout > .zero else {
            loop.stop()
            return
        }
        state = .draining
        http.onQuiet = { [loop, unowned http] in if http.isQuiet { loop.stop() } }
        http.stopAccepting()
        timer?.schedule(after: timeout)
        if http.isQuiet {
            loop.stop()
        } else {
            report("stopping: \(http.connectionCount) connections may finish within \(timeout)")
        }
    }

    private func expire() {
        guard state == .draining else {
            loop.stop()
            return
        }
        state = .cutting
        timer?.schedule(after: Self.farewell)
        cut()
    }
}
