// A response as handlers make it. Date, Content-Length and the framing of the body are added where
// it is sent.

import TernJSON

/// A complete HTTP response, or the head of one whose body is streamed.
struct HTTPResponse: Sendable {
    var status: HTTPStatus
    /// Headers in order.
    var headers: [HTTPHeader]
    /// The whole body; empty for a stream.
    var body: [UInt8]
    /// Why a request was refused or failed, for the log.
    var cause: String?

    init(status: HTTPStatus = .ok, headers: [HTTPHeader] = [], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// A JSON body.
    init(status: HTTPStatus = .ok, headers: [HTTPHeader] = [], json: JSON) {
        self.init(
            status: status,
            headers: [HTTPHeader("Content-Type", "application/json")] + headers,
            body: Array(json.text().utf8))
    }
}

/// A header line.
struct HTTPHeader: Sendable, Equatable {
    let name: String
    let value: String

    init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}
