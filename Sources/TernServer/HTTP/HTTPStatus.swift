// The status codes that this server answers with, and their phrases.

/// A status code of HTTP.
enum HTTPStatus: Int, Sendable {
    case ok = 200
    case noContent = 204
    case notModified = 304
    case badRequest = 400
    case unauthorized = 401
    case notFound = 404
    case methodNotAllowed = 405
    case requestTimeout = 408
    case bodyTooLarge = 413
    case expectationFailed = 417
    case tooManyRequests = 429
    case headersTooLarge = 431
    case failed = 500
    case unavailable = 503
    case versionNotSupported = 505

    /// Whether a reply with it has a body, empty or not.
    var hasBody: Bool { self != .noContent && self != .notModified }

    /// What stands behind the code in the status line.
    var phrase: String {
        switch self {
        case .ok: "OK"
        case .noContent: "No Content"
        case .notModified: "Not Modified"
        case .badRequest: "Bad Request"
        case .unauthorized: "Unauthorized"
        case .notFound: "Not Found"
        case .methodNotAllowed: "Method Not Allowed"
        case .requestTimeout: "Request Timeout"
        case .bodyTooLarge: "Content Too Large"
        case .expectationFailed: "Expectation Failed"
        case .tooManyRequests: "Too Many Requests"
        case .headersTooLarge: "Request Header Fields Too Large"
        case .failed: "Internal Server Error"
        case .unavailable: "Service Unavailable"
        case .versionNotSupported: "HTTP Version Not Supported"
        }
    }
}
