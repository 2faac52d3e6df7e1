// One line for each request, when it is over: who asked for what, how it ended, what it took. Lines
// name requests as the header x-request-id does. Texts of requests and replies are never in them.

import TernJSON

/// Writes the lines of requests. Thread: the loop's.
struct RequestLog {
    let format: LogFormat
    let report: (String) -> Void

    /// Answers to these say nothing when all is well: they are asked for every few seconds.
    private static let probes = ["/health", "/ready", "/metrics", "/steps"]

    /// Writes a line when the exchange is over.
    func watch(_ request: HTTPRequest, _ exchange: HTTPExchange) {
        let (method, path) = (request.head.method, request.path)
        let start = ContinuousClock.now
        exchange.onEnd = { [unowned exchange] status in
            if status == .ok, Self.probes.contains(path) { return }
            let milliseconds = start.duration(to: .now) / .milliseconds(1)
            report(
                format.line(
                    "request",
                    [
                        ("id", .string(exchange.requestID)), ("method", .string(method)),
                        ("path", .string(String(path.prefix(200)))),
                        ("status", status.map { .integer($0.rawValue) } ?? .string("left")),
                        ("ms", .number((milliseconds * 10).rounded() / 10)),
                    ] + exchange.outcome.fields))
        }
    }

    /// Writes the line of a request that was refused before it was whole: of its head, nothing can be
    /// relied on.
    func refused(_ id: String, _ error: APIError) {
        report(
            format.line(
                "request",
                [
                    ("id", .string(id)), ("status", .integer(error.status.rawValue)),
                    ("error", .string(error.message)),
                ]))
    }
}

/// What a handler adds to the line of its request.
struct RequestOutcome {
    /// The tokens so far, of a request that generates.
    var usage: Usage?
    /// Why its choices ended, once all have.
    var finish: String?
    /// Why it was refused or failed.
    var error: String?

    fileprivate var fields: [JSONObject.Member] {
        var fields: [JSONObject.Member] = []
        if let usage {
            fields.append(("prompt_tokens", .integer(usage.promptTokens)))
            fields.append(("generation_tokens", .integer(usage.completionTokens)))
        }
        if let finish { fields.append(("finish", .string(finish))) }
        if let error { fields.append(("error", .string(error))) }
        return fields
    }
}
