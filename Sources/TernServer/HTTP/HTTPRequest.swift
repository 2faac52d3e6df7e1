// Station 1 of the walk begins here: a request as the handlers see it, whole and checked. It knows
// nothing of sockets, and its body is bytes: what they mean is the handler's business.

/// A complete HTTP request.
struct HTTPRequest: Sendable {
    /// Request line and headers.
    let head: RequestHead
    /// The body with its framing taken off.
    let body: [UInt8]

    /// The path of the target, without the query.
    var path: String { String(head.target.prefix { $0 != "?" }) }
}
