// `tern serve`: an engine behind HTTP, until a signal ends it.

import Glibc
import TernEngine
import TernServer

/// Serves a model.
enum Serve {
    static let command = Command(
        name: "serve", summary: "Serve a model over HTTP, with an OpenAI-compatible API.",
        positionals: ["MODEL"],
        sections: [
            (
                "Server",
                [
                    Option("--host", value: "ADDRESS", help: "address to listen on (127.0.0.1)"),
                    Option("--port", value: "N", help: "port to listen on, 0 for any free (8000)"),
                    Option("--uds", value: "PATH", help: "a Unix socket in place of host and port"),
                    Option(
                        "--served-model-name", value: "NAME",
                        help:
                            "the model's name in the API; repeatable (default: the folder's or file's)"
                    ),
                    Option(
                        "--api-key", value: "KEY",
                        help: "key that requests must bear (default: TERN_API_KEY, or none)"),
                    Option(
                        "--max-num-queued-reqs", value: "N",
                        help: "most requests that wait for their first step (4096)"),
                    Option(
                        "--max-num-queued-tokens", value: "N",
                        help: "most tokens of their prompts (4194304)"),
                    Option(
                        "--log-format", value: "text|json", help: "how log lines are written (text)"
                    ),
                    Option("--disable-log-requests", help: "no line for each request at its end"),
                    Option("--disable-log-stats", help: "no figures every 10 s"),
                    Option(
                        "--shutdown-timeout", value: "SECONDS",
                        help: "how long a stop waits for running requests (10)"),
                    Option(
                        "--ranks-in-process",
                        help: "run ranks in the server's own process, which ends with them"),
                ]
            ), EngineFlags.section, ParallelFlags.section,
        ], run: run)

    private static func run(_ arguments: Arguments) throws {
        let serving = try serverConfiguration(arguments)
        var configuration = try EngineFlags.configuration(arguments)
        configuration.queue = try queueLimits(arguments)
        let server = try Server(serving)
        // Until the server listens for them, these end the program: nothing runs yet.
        for number in serving.stopsOnSignals { signal(number) { _ in _exit(0) } }
        let clock = ContinuousClock()
        let start = clock.now
        let format = serving.logFormat
        let log = StartLog(format)
        let engine =
            arguments.has("--ranks-in-process")
            ? try EngineFlags.start(configuration, arguments, isQuiet: false, report: log.show)
            : try EngineFlags.startApart(configuration, arguments, report: log.show)
        for line in log.summary(of: engine, configuration.topology) {
            serving.report(format.line(line))
        }
        let seconds = (start.duration(to: clock.now) / .milliseconds(100)).rounded() / 10
        serving.report(
            format.line(
                "\(serving.modelNames[0]): \(engine.model.architecture.rawValue), "
                    + "\(millions(engine.parameters)) M parameters in \(engine.dtype)"
                    + "\(engine.quantization.suffix), ready in \(seconds) s"))
        serving.report(format.line("serving at \(server.address)"))
        try server.run(engine)
        serving.report(format.line("stopped"))
        try engine.stop()
    }

    private static func queueLimits(_ arguments: Arguments) throws(UsageError) -> QueueLimits {
        QueueLimits(
            requests: try arguments.integer("--max-num-queued-reqs", in: 1 ... .max) ?? 4096,
            promptTokens: try arguments.integer("--max-num-queued-tokens", in: 1 ... .max)
                ?? 4 << 20)
    }

    /// A count in millions with one decimal.
    private static func millions(_ count: Int) -> String {
        let tenths = (count + 50_000) / 100_000
        return "\(tenths / 10).\(tenths % 10)"
    }

    /// An empty variable is none.
    static var environmentKey: String? {
        getenv("TERN_API_KEY").map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
    }

    private static func serverConfiguration(
        _ arguments: Arguments
    ) throws(UsageError) -> ServerConfiguration {
        _ = try arguments.filled("--served-model-name")
        let names = arguments.texts("--served-model-name")
        let name = EngineFlags.modelName(of: arguments.positionals[0])
        var server = ServerConfiguration(modelNames: names.isEmpty ? [name] : names)
        server.host = arguments.text("--host") ?? server.host
        server.port = try arguments.integer("--port", in: 0...65_535) ?? server.port
        server.unixSocketPath = arguments.text("--uds")
        server.apiKey = try arguments.filled("--api-key") ?? environmentKey
        if let seconds = try arguments.integer("--shutdown-timeout", in: 0...86_400) {
            server.shutdownTimeout = .seconds(seconds)
        }
        server.logFormat =
            try arguments.choice("--log-format", of: LogFormat.self) ?? server.logFormat
        server.logsRequests = !arguments.has("--disable-log-requests")
        if arguments.has("--disable-log-stats") { server.statisticsInterval = nil }
        server.stopsOnSignals = [SIGINT, SIGTERM]
        server.version = Tern.version
        server.report = { Console.note($0) }
        return server
    }
}
