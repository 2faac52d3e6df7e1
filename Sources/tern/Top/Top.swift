// `tern top`: watches a server by its /metrics. On a terminal it redraws one screen and ends with q;
// elsewhere it writes a line for each interval. It needs no access to the server but HTTP.

import Glibc

/// Watches a server.
enum Top {
    static let command = Command(
        name: "top", summary: "Watch a server's throughput, latency, KV use and modes.",
        positionals: ["URL"],
        sections: [
            (
                "View",
                [
                    Option("--interval", value: "SECONDS", help: "time between two looks (2)"),
                    Option("--count", value: "N", help: "ends after so many looks"),
                    Option("--api-key", value: "KEY", help: "the server's key (TERN_API_KEY)"),
                ]
            )
        ], run: run)

    private static func run(_ arguments: Arguments) throws {
        let interval = try arguments.number("--interval") ?? 2
        guard (0.1...3600).contains(interval) else {
            throw UsageError("--interval is \(interval); it must be from 0.1 to 3600 seconds")
        }
        let count = try arguments.integer("--count", in: 1 ... .max) ?? .max
        let key = try arguments.filled("--api-key") ?? Serve.environmentKey
        let client = try MetricsClient(arguments.positionals[0], key: key)
        let terminal = Terminal()
        defer { terminal?.restore() }
        try watch(client, interval: interval, count: count, on: terminal)
    }

    private static func watch(
        _ client: MetricsClient, interval: Double, count: Int, on terminal: Terminal?
    ) throws {
        let clock = ContinuousClock()
        var before = MetricsSample(parsing: try client.fetch())
        var time = clock.now
        var frames: [TopFrame] = []
        for _ in 0..<count {
            guard wait(interval, for: terminal) else { return }
            let after = MetricsSample(parsing: try client.fetch())
            let now = clock.now
            let seconds = time.duration(to: now) / .seconds(1)
            let frame = TopFrame(from: before, to: after, seconds: seconds)
            (before, time) = (after, now)
            guard let terminal else {
                Console.write(frame.line + "\n")
                continue
            }
            frames = frames.suffix(Terminal.mostColumns) + [frame]
            terminal.show(TopFrame.screen(frames, title: client.url, width: terminal.width))
        }
    }

    /// Waits for the next look; false where q or ^C was typed meanwhile.
    private static func wait(_ seconds: Double, for terminal: Terminal?) -> Bool {
        guard let terminal else {
            usleep(UInt32(seconds * 1_000_000))
            return true
        }
        return !terminal.isEndTyped(within: seconds)
    }
}
