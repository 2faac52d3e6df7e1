// A value inside tokenizer.json together with its path, so that every complaint names the place
// (station 2 of the walk). It reads and checks single values; it knows no part of the format.

import TernJSON

/// A JSON value that knows where in tokenizer.json it stands.
struct TokenizerField {
    /// The place as messages show it, such as `model.vocab`.
    let path: String
    let value: JSON

    /// A member that is neither missing nor null.
    subscript(key: String) -> TokenizerField? {
        guard let member = value[key], !member.isNull else { return nil }
        return TokenizerField(path: path.isEmpty ? key : "\(path).\(key)", value: member)
    }

    /// A member that must be there.
    func required(_ key: String) throws(TokenizerError) -> TokenizerField {
        guard let member = self[key] else {
            throw failure("\(quoted(key)) is missing; write the file again with its library")
        }
        return member
    }

    /// The text of a string.
    func string() throws(TokenizerError) -> String {
        guard let string = value.string else { throw failure("a string is expected", found: true) }
        return string
    }

    /// The one character of a string.
    func character() throws(TokenizerError) -> Unicode.Scalar {
        let scalars = Array(try string().unicodeScalars)
        guard let scalar = scalars.first, scalars.count == 1 else {
            throw failure("one character is expected", found: true)
        }
        return scalar
    }

    /// The elements of an array, each with its index in the path.
    func elements() throws(TokenizerError) -> [TokenizerField] {
        guard let array = value.array else { throw failure("an array is expected", found: true) }
        return array.enumerated().map { element($0, $1) }
    }

    /// One element of an array.
    func element(_ index: Int, _ value: JSON) -> TokenizerField {
        TokenizerField(path: "\(path)[\(index)]", value: value)
    }

    /// The members of an object, in order.
    func members() throws(TokenizerError) -> [JSONObject.Member] {
        guard let object = value.object else { throw failure("an object is expected", found: true) }
        return object.members
    }

    /// A boolean member, or the default where it is missing or null.
    func bool(_ key: String, default fallback: Bool) throws(TokenizerError) -> Bool {
        guard let member = self[key] else { return fallback }
        guard let flag = member.value.bool else {
            throw member.failure("true or false is expected", found: true)
        }
        return flag
    }

    /// A member that is a whole number and not negative.
    func count(_ key: String) throws(TokenizerError) -> Int {
        let member = try required(key)
        guard let count = member.value.integer, count >= 0 else {
            throw member.failure("a whole number from 0 on is expected", found: true)
        }
        return count
    }

    /// The number of a token, checked against the largest that Tern takes.
    func tokenID() throws(TokenizerError) -> Int32 {
        guard let id = value.integer, (0...Vocabulary.maximumID).contains(id) else {
            throw failure("a token id from 0 to \(Vocabulary.maximumID) is expected", found: true)
        }
        return Int32(id)
    }

    /// The value of `type`, by which the parts of the format are told apart.
    func type() throws(TokenizerError) -> String { try required("type").string() }

    /// Refuses a type that Tern does not know.
    func unknownType(_ name: String, known: String) -> TokenizerError {
        failure("the type \(quoted(name)) is not supported; Tern knows \(known)")
    }

    /// A complaint about this place.
    func failure(_ reason: String, found: Bool = false) -> TokenizerError {
        let place = path.isEmpty ? "" : " \(path):"
        return TokenizerError(
            "tokenizer.json:\(place) \(reason)" + (found ? ", found \(shown)" : ""))
    }

    private var shown: String {
        switch value {
        case .string(let text): quoted(text)
        case .null, .bool, .integer, .number: value.text()
        case .array, .object: value.kind
        }
    }
}
