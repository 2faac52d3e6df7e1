// What one client may take of the server: bytes, connections and time. The numbers are checked in
// HTTPConnection and RequestHead; nothing here enforces anything.

/// Bounds on what clients send, and on how long they may take.
public struct HTTPLimits: Sendable {
    /// Bytes of a request line with its headers.
    public var headBytes = 64 * 1024
    /// Header lines of one request.
    public var headerLines = 100
    /// Bytes of a request's body.
    public var bodyBytes = 32 * 1024 * 1024
    /// Bytes of a stream that a client has not taken yet; beyond, it is dropped.
    public var pendingOutputBytes = 4 * 1024 * 1024
    /// Connections at one time; further ones are told to come back later.
    public var connections = 8192
    /// Requests that came and are not read yet; further ones are told to come back later.
    public var unreadRequests = 4096
    /// Bytes of their bodies, unless a single one has more.
    public var unreadBytes = 256 * 1024 * 1024
    /// From the first byte of a request to its last.
    public var requestDeadline = Duration.seconds(60)
    /// How long a connection may stay open between requests.
    public var idleTimeout = Duration.seconds(75)
    /// How long a client may take nothing of what waits for it.
    public var writeTimeout = Duration.seconds(60)

    /// The usual bounds.
    public init() {}
}
