// `GET /v1/models` and `GET /v1/models/{name}`: the names that requests may use.

import Glibc
import TernJSON

/// The models that are served: one, under one or several names.
struct ModelList: Sendable {
    let names: [String]
    let maxModelLength: Int
    private let created = Int(time(nil))

    init(names: [String], maxModelLength: Int) {
        self.names = names
        self.maxModelLength = maxModelLength
    }

    /// All of them.
    func list(_ request: HTTPRequest, _ exchange: HTTPExchange) {
        exchange.respond(
            HTTPResponse(json: ["object": "list", "data": .array(names.map(describe))]))
    }

    /// The one that the path names.
    func one(_ request: HTTPRequest, _ exchange: HTTPExchange) {
        let name = ModelList.unescaped(request.path.dropFirst("/v1/models/".count))
        if names.contains(where: { $0.utf8.elementsEqual(name) }) {
            let text = String(decoding: name, as: UTF8.self)
            exchange.respond(HTTPResponse(json: describe(text)))
        } else {
            exchange.respond(
                APIError(
                    .notFound,
                    "The model `\(String(decoding: name.prefix(100), as: UTF8.self))` "
                        + "does not exist.",
                    parameter: "model", code: "model_not_found"
                ).response)
        }
    }

    private func describe(_ name: String) -> JSON {
        [
            "id": .string(name), "object": "model", "created": .integer(created),
            "owned_by": "tern", "root": .string(names.first ?? name), "parent": nil,
            "max_model_len": .integer(maxModelLength),
        ]
    }

    /// The bytes of a path's part, percent signs resolved.
    private static func unescaped(_ text: Substring) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), rest.count >= 2,
                let value = UInt8(String(Substring(rest.prefix(2))), radix: 16)
            {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return bytes
    }
}
