// Which handler a request goes to, and what is said where none is: 404, 405 with the methods that
// are allowed, 401 without the key. Handlers see only requests that may pass.

/// The table of routes.
struct Router {
    /// Answers a request, at once or later.
    typealias Handler = (HTTPRequest, HTTPExchange) -> Void

    /// A method on a path.
    struct Route {
        let method: String
        let path: String
        /// Whether the path goes on: `/v1/models/` then any name.
        var isPrefix = false
        /// Whether it is open without the key.
        var isOpen = false
        let handler: Handler

        func matches(_ path: String) -> Bool {
            isPrefix
                ? path.utf8.starts(with: self.path.utf8) && path.utf8.count > self.path.utf8.count
                : path.utf8.elementsEqual(self.path.utf8)
        }
    }

    var routes: [Route] = []
    var key: APIKey?

    /// All routes in a line, for the log.
    var summary: String {
        routes.map { "\($0.method) \($0.path)\($0.isPrefix ? "…" : "")" }.joined(separator: ", ")
    }

    /// Hands a request to its handler, or answers it.
    func handle(_ request: HTTPRequest, _ exchange: HTTPExchange) {
        let path = request.path
        let candidates = routes.filter { $0.matches(path) }
        if let key, !candidates.contains(where: \.isOpen), !key.opens(request.head) {
            exchange.respond(Router.unauthorized.response)
            return
        }
        // HEAD is GET whose body is not sent.
        let method = request.head.method == "HEAD" ? "GET" : request.head.method
        if let route = candidates.first(where: { $0.method == method }) {
            route.handler(request, exchange)
        } else if candidates.isEmpty {
            exchange.respond(
                APIError(.notFound, "path: there is no route \(path.prefix(200))").response)
        } else {
            let methods = candidates.map(\.method) + ["OPTIONS"]
            let allow = HTTPHeader(
                "Allow",
                (methods.contains("GET") ? ["HEAD"] + methods : methods).joined(separator: ", "))
            if method == "OPTIONS" {
                exchange.respond(HTTPResponse(status: .noContent, headers: [allow]))
            } else {
                exchange.respond(
                    APIError(
                        .methodNotAllowed,
                        "method: found \(method); \(path.prefix(200)) allows \(allow.value)",
                        headers: [allow]
                    ).response)
            }
        }
    }

    private static let unauthorized = APIError(
        .unauthorized, "Authorization: expected Bearer with this server's API key",
        code: "invalid_api_key", headers: [HTTPHeader("WWW-Authenticate", "Bearer")])
}
