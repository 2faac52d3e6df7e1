// What a client is told when a request cannot be served, in OpenAI's shape. The message names the
// field, what was found and what is allowed, and never a path or an address of this machine.

import TernEngine
import TernJSON

/// A refused or failed request.
struct APIError: Error, Equatable {
    /// The status of the response.
    let status: HTTPStatus
    /// One line for a person.
    let message: String
    /// The field of the request that is at fault.
    let parameter: String?
    /// A word for programs.
    let code: String?
    /// Headers that belong to the status, such as Allow.
    let headers: [HTTPHeader]

    init(
        _ status: HTTPStatus, _ message: String, parameter: String? = nil, code: String? = nil,
        headers: [HTTPHeader] = []
    ) {
        self.status = status
        self.message = message
        self.parameter = parameter
        self.code = code
        self.headers = headers
    }

    /// The error object as clients expect it.
    var json: JSON {
        [
            "error": [
                "message": .string(message), "type": .string(type),
                "param": parameter.map { .string($0) } ?? .null,
                "code": code.map { .string($0) } ?? .null,
            ]
        ]
    }

    /// The response that tells it.
    var response: HTTPResponse {
        var response = HTTPResponse(status: status, headers: headers, json: json)
        response.cause = message
        return response
    }

    private var type: String {
        switch status {
        case .failed, .unavailable: "server_error"
        case .tooManyRequests: "rate_limit_exceeded"
        case .ok, .noContent, .notModified, .badRequest, .unauthorized, .notFound,
            .methodNotAllowed,
            .requestTimeout, .bodyTooLarge, .expectationFailed, .headersTooLarge,
            .versionNotSupported:
            "invalid_request_error"
        }
    }
}

extension APIError {
    /// A field is wrong.
    static func field(_ name: String, found: String, expected: String) -> APIError {
        APIError(
            .badRequest, "\(name): found \(found); expected \(expected)", parameter: name,
            code: "invalid_value")
    }

    /// A body beyond the bound.
    static func bodyTooLarge(_ limit: Int) -> APIError {
        APIError(.bodyTooLarge, "HTTP body: more than \(limit) bytes, which is the most")
    }

    /// A head beyond the bound.
    static func headTooLarge(_ limit: Int) -> APIError {
        APIError(.headersTooLarge, "HTTP headers: more than \(limit) bytes, which is the most")
    }

    /// Too much waits already.
    static func overloaded(_ message: String) -> APIError {
        APIError(
            .tooManyRequests, message, code: "queue_full",
            headers: [HTTPHeader("Retry-After", "1")])
    }

    /// What the engine said, as the client's concern or ours.
    init(_ error: EngineError) {
        switch error.kind {
        case .invalid(let parameter):
            self.init(
                .badRequest, error.message, parameter: parameter, code: "invalid_value")
        case .tooLong:
            self.init(.badRequest, error.message, code: "context_length_exceeded")
        case .overloaded: self = .overloaded(error.message)
        case .unavailable:
            self.init(
                .unavailable, error.message, headers: [HTTPHeader("Retry-After", "1")])
        case .failed: self.init(.failed, error.message)
        }
    }
}
