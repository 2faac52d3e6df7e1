// The server put together: a listening socket, the HTTP thread's loop, the endpoints, and the
// queue over which the engine's events reach them. Nothing of libevent lives outside `run()`, so
// that only values cross between threads.

import Glibc
import Synchronization
import TernEngine

/// An OpenAI-compatible server for one model.
public final class Server: Sendable {
    private enum Message: Sendable {
        case job(JobID, JobEvent)
        case stop
    }

    private let configuration: ServerConfiguration
    private let queue: EventQueue<Message>
    private let socket: ListeningSocket
    /// Whether the socket is evhttp's to close.
    private let isRunning = Mutex(false)

    /// Binds the address, so that one that is taken is said before a model is loaded; clients are
    /// served by `run`.
    ///
    /// Throws: `ServerError` with the system's reason.
    public init(_ configuration: ServerConfiguration) throws(ServerError) {
        self.configuration = configuration
        queue = try EventQueue()
        if let path = configuration.unixSocketPath {
            socket = try ListeningSocket(path: path)
        } else {
            socket = try ListeningSocket(host: configuration.host, port: configuration.port)
        }
    }

    deinit {
        if !isRunning.withLock({ $0 }) { close(socket.descriptor) }
        if let path = configuration.unixSocketPath { unlink(path) }
    }

    /// Where clients connect: `http://…` or `unix:…`.
    public var address: String { socket.description }

    /// The TCP port, also where the system chose it; nil for a socket in the file system.
    public var port: Int? { socket.port }

    /// Serves an engine until stopped, on the calling thread. The caller stops the engine after it.
    ///
    /// Throws: `ServerError` if the loop cannot be built.
    public func run(_ engine: Engine) throws { try run(generator: engine) }

    func run(generator: any Generator) throws {
        let ranBefore = isRunning.withLock { isRunning in
            defer { isRunning = true }
            return isRunning
        }
        precondition(!ranBefore, "a server was run twice")
        // A client that leaves while we write is an error code, not the end of the process.
        signal(SIGPIPE, SIG_IGN)
        let reader = try RequestReader(configuration.limits)
        let thread = try reader.start()
        defer { reader.end(thread) }
        try serve(ServedModel(generator, names: configuration.modelNames), reader)
    }

    private func serve(
        _ model: ServedModel, _ reader: RequestReader
    ) throws(ServerError) {
        let loop = try EventLoop()
        let api = API(model: model, configuration: configuration, reader: reader) { [queue] in
            queue.send(.job($0, $1))
        }
        var limits = configuration.limits
        limits.connections = min(limits.connections, DescriptorLimit.raise())
        let router = api.router
        let http = try HTTPServer(
            loop: loop, limits: limits, refused: { [log] in log?.refused($0, $1) },
            handler: handler(router))
        let shutdown = try Shutdown(
            of: http, on: loop, timeout: configuration.shutdownTimeout,
            report: { [configuration] in configuration.note($0) }
        ) { api.failAll(APIError(.unavailable, "the server is stopping")) }
        let inbox = try LoopEvent(reading: queue.descriptor, on: loop) { [queue] in
            for message in queue.takeAll() {
                switch message {
                case .job(let id, let event): api.receive(id, event)
                case .stop: shutdown.begin()
                }
            }
        }
        var signals: [LoopEvent] = []
        for signal in configuration.stopsOnSignals {
            signals.append(try LoopEvent(signal: signal, on: loop) { shutdown.begin() })
        }
        let statistics = try statisticsTimer(model.generator, on: loop)
        try http.accept(at: socket.descriptor)
        configuration.note("routes: " + router.summary)
        withExtendedLifetime((inbox, signals, api, statistics)) {
            loop.run()
            http.closeAll()
        }
    }

    /// Writes the lines of requests, where they are asked for.
    private var log: RequestLog? {
        guard configuration.logsRequests else { return nil }
        return RequestLog(format: configuration.logFormat, report: configuration.report)
    }

    /// The routes, with a line for each request where that is asked for.
    private func handler(_ router: Router) -> HTTPServer.Handler {
        guard let log else { return router.handle }
        return { request, exchange in
            log.watch(request, exchange)
            router.handle(request, exchange)
        }
    }

    /// Writes figures of the engine at intervals.
    private func statisticsTimer(
        _ generator: any Generator, on loop: EventLoop
    ) throws(ServerError) -> LoopEvent? {
        guard let interval = configuration.statisticsInterval else { return nil }
        var statistics = PeriodicStatistics(generator.metrics, at: .now)
        let timer = try LoopEvent(repeatingEvery: interval, on: loop) { [configuration] in
            guard let fields = statistics.fields(generator.metrics, at: .now) else { return }
            configuration.report(configuration.logFormat.line("stats", fields))
        }
        return timer
    }

    /// Stops gently: no new requests, streams may go on for the shutdown timeout, then `run()`
    /// returns. A second call stops at once.
    ///
    /// Thread: any.
    public func stop() { queue.send(.stop) }
}
