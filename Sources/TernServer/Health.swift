// `GET /health`: the HTTP thread answers, and says whether the engine behind it still takes
// requests.

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
}
