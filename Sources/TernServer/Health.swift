// `GET /health` and `GET /ready`: the HTTP thread answers, and says whether the engine behind it still
// takes requests, and whether its ranks work on them now.

import TernJSON

/// The life sign.
enum Health {
    /// Answers 200 while the engine lives, 503 with the cause once it does not.
    static func live(_ generator: any Generator, _ exchange: HTTPExchange) {
        if let failure = generator.failure {
            let error = APIError(.unavailable, failure.message)
            exchange.respond(error.response)
        } else {
            exchange.respond(HTTPResponse(json: ["status": "ok"]))
        }
    }

    /// Answers 200 while requests are worked on, 503 while they would wait or fail.
    static func ready(_ generator: any Generator, _ exchange: HTTPExchange) {
        guard generator.failure == nil && !generator.isReady else {
            live(generator, exchange)
            return
        }
        let error = APIError(
            .unavailable,
            "the ranks are being started again, or a step does not end; requests wait",
            headers: [HTTPHeader("Retry-After", "1")])
        exchange.respond(error.response)
    }
}
