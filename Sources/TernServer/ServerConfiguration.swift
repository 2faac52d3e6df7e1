// What a server is told at its start. The flags of `tern serve` fill it in.

/// Where and how to serve.
public struct ServerConfiguration: Sendable {
    /// The address or name to listen at.
    public var host = "127.0.0.1"
    /// The TCP port; 0 lets the system choose.
    public var port = 8000
    /// A socket in the file system to listen at, instead of host and port.
    public var unixSocketPath: String?
    /// The names of the model; requests name one of them.
    public var modelNames: [String]
    /// What clients must send as `Authorization: Bearer …`; nil lets everyone in.
    public var apiKey: String?
    /// How long streams may go on after `stop()`.
    public var shutdownTimeout = Duration.seconds(10)
    /// Signals that stop the server: the first one gently, the second one at once.
    public var stopsOnSignals: [Int32] = []
    /// What `/version` says.
    public var version = "0.1.0"
    /// Hears what an operator should know, a line at a time; called on the loop's thread.
    public var report: @Sendable (String) -> Void = { _ in }
    /// How the lines are written.
    public var logFormat = LogFormat.text
    /// Whether each request has a line, at its end.
    public var logsRequests = true
    /// How often figures of the engine are written while it is busy; nil for never.
    public var statisticsInterval: Duration? = .seconds(10)
    /// Bounds on what clients send.
    public var limits = HTTPLimits()

    /// The usual settings for a model.
    public init(modelNames: [String]) { self.modelNames = modelNames }

    /// Reports a sentence.
    func note(_ message: String) { report(logFormat.line(message)) }
}
