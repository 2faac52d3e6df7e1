// The fields of a request's JSON, read with the errors that clients are to see. `null` counts as
// absent, as it does for OpenAI. Which fields there are is the endpoints' business.

import TernJSON

/// The members of a request's body.
struct RequestFields {
    let object: JSONObject

    /// The most members of a body: each field is looked for among all of them.
    static let members = 256

    /// Reads the body of a request.
    init(body: [UInt8]) throws(APIError) {
        do {
            let json = try JSON(parsing: body)
            guard let object = json.object else {
                throw APIError(.badRequest, "body: found \(json.kind); expected a JSON object")
            }
            guard object.members.count <= Self.members else {
                throw APIError(
                    .badRequest,
                    "body: found \(object.members.count) fields; expected at most \(Self.members)")
            }
            self.object = object
        } catch let error as APIError {
            throw error
        } catch {
            throw APIError(.badRequest, "body: expected a JSON object; \(error)")
        }
    }

    init(_ object: JSONObject) { self.object = object }

    /// The value of a field that is there and not `null`.
    subscript(name: String) -> JSON? {
        guard let value = object[name], !value.isNull else { return nil }
        return value
    }

    /// A string.
    func string(_ name: String) throws(APIError) -> String? {
        try read(name, "a string") { $0.string }
    }

    /// A boolean.
    func bool(_ name: String) throws(APIError) -> Bool? {
        try read(name, "true or false") { $0.bool }
    }

    /// An object.
    func object(_ name: String) throws(APIError) -> JSONObject? {
        try read(name, "an object") { $0.object }
    }

    /// An integer within bounds.
    func integer(_ name: String, in range: ClosedRange<Int>) throws(APIError) -> Int? {
        let allowed = "an integer from \(range.lowerBound) to \(range.upperBound)"
        let value = try read(name, allowed) { $0.integer }
        guard let value else { return nil }
        guard range.contains(value) else {
            throw .field(name, found: "\(value)", expected: allowed)
        }
        return value
    }

    /// A count of tokens with a lower bound; no sum of two of them overflows.
    func integer(_ name: String, atLeast bound: Int) throws(APIError) -> Int? {
        try integer(name, in: bound...Int(Int32.max))
    }

    /// A number within bounds.
    func number(_ name: String, in range: ClosedRange<Double>) throws(APIError) -> Float? {
        let allowed = "a number from \(range.lowerBound) to \(range.upperBound)"
        guard let value = try read(name, allowed, { $0.number }) else { return nil }
        guard range.contains(value) else {
            throw .field(name, found: "\(value)", expected: allowed)
        }
        return Float(value)
    }

    private func read<Value>(
        _ name: String, _ expected: String, _ convert: (JSON) -> Value?
    ) throws(APIError) -> Value? {
        guard let value = self[name] else { return nil }
        guard let converted = convert(value) else {
            throw .field(name, found: value.shortText, expected: expected)
        }
        return converted
    }
}

extension JSON {
    /// The value for an error message: scalars as they are, unless long; the kind of others.
    var shortText: String {
        switch self {
        case .null, .bool, .integer, .number: text()
        case .string(let text): text.utf8.count <= 40 ? self.text() : "a long string"
        case .array, .object: kind
        }
    }
}
