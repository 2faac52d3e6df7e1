// Station 12 of the walk: chunks as server-sent events. What the chunks say is ReplyShape's.
//
// Source: WHATWG HTML, 9.2 Server-sent events. JSON text has no raw line breaks, so that one
// `data:` line holds it.

import TernJSON

/// A stream of JSON values to one client.
struct ServerSentEvents {
    private let exchange: HTTPExchange

    /// Begins the stream.
    init(on exchange: HTTPExchange) {
        self.exchange = exchange
        exchange.start(
            HTTPResponse(headers: [
                HTTPHeader("Content-Type", "text/event-stream; charset=utf-8"),
                HTTPHeader("Cache-Control", "no-cache"),
                HTTPHeader("X-Accel-Buffering", "no"),
            ]))
    }

    /// Sends one value.
    func send(_ value: JSON) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.usualBytes)
        bytes.append(contentsOf: "data: ".utf8)
        value.write(to: &bytes)
        bytes.append(contentsOf: "\n\n".utf8)
        exchange.write(bytes)
    }

    /// A chunk of one token is smaller.
    private static let usualBytes = 384

    /// Sends the mark of the end, and ends the reply.
    func finish() {
        exchange.write(Array("data: [DONE]\n\n".utf8))
        exchange.end()
    }
}
