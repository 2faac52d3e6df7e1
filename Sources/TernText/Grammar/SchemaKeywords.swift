// Which keywords of JSON Schema are compiled, which say nothing about values, and which are refused:
// all others. A keyword that is not known is never passed over in silence.

import TernJSON

/// The vocabulary of schemas.
enum SchemaKeywords {
    /// All types, in the order in which alternatives are tried.
    static let types = ["object", "array", "string", "number", "boolean", "null"]

    /// Keywords that restrict nothing.
    private static let annotations: Set = [
        "title", "description", "default", "examples", "example", "deprecated", "readOnly",
        "writeOnly", "$comment", "$schema", "$id", "$defs", "definitions", "contentMediaType",
        "contentEncoding", "discriminator", "strict",
    ]
    /// Keywords by the type whose values they restrict.
    private static let restrictions: [String: Set<String>] = [
        "object": ["properties", "required", "additionalProperties"],
        "array": ["items", "prefixItems", "minItems", "maxItems"],
        "string": ["minLength", "maxLength", "format"],
        "number": ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"],
    ]
    private static let compositions: Set = [
        "type", "enum", "const", "anyOf", "oneOf", "allOf", "$ref",
    ]
    private static let known = restrictions.values.reduce(annotations.union(compositions)) {
        $0.union($1)
    }

    /// Throws: the first keyword that is not compiled.
    static func check(_ schema: JSONObject, _ path: String) throws(GrammarError) {
        for (keyword, value) in schema.members {
            let isNeutral = keyword == "uniqueItems" && value == false
            guard known.contains(keyword) || keyword.hasPrefix("x-") || isNeutral else {
                throw GrammarError(
                    path,
                    "the keyword \(JSON.string(keyword).text()) is not supported; leave it out, or "
                        + "express it with those that are: type, enum, const, anyOf, $ref and the "
                        + "usual ones of objects, arrays, strings and numbers")
            }
        }
    }

    /// Throws: where a keyword stands beside another that restricts.
    static func checkAlone(
        _ keyword: String, in schema: JSONObject, _ path: String, beside allowed: Set<String> = []
    ) throws(GrammarError) {
        for (other, _) in schema.members
        where other != keyword && !annotations.contains(other) && !allowed.contains(other)
            && !other.hasPrefix("x-")
        {
            throw GrammarError(
                path,
                "the keyword \(other) is not supported beside \(keyword); move it into the "
                    + "schemas that \(keyword) names")
        }
    }

    /// The types of a schema. Where it names none, those that its keywords are about, else all.
    static func types(
        of schema: JSONObject, _ path: String
    ) throws(GrammarError) -> [String] {
        guard let type = schema["type"] else {
            let keywords = Set(schema.members.map(\.key))
            let meant = types.filter { restrictions[$0]?.isDisjoint(with: keywords) == false }
            return meant.isEmpty ? types : meant
        }
        let named = type.string.map { [$0] } ?? type.array?.compactMap(\.string) ?? []
        let isComplete = type.array.map { $0.count == named.count } ?? true
        guard !named.isEmpty, isComplete,
            named.allSatisfy({ types.contains($0) || $0 == "integer" })
        else {
            throw GrammarError(
                path + "/type",
                "found \(type.text()); expected one or a list of integer, "
                    + types.joined(separator: ", "))
        }
        return named
    }

    /// Whether a value is of a type.
    static func admits(_ type: String, _ value: JSON) -> Bool {
        switch value {
        case .null: type == "null"
        case .bool: type == "boolean"
        case .integer, .number:
            type == "number" || (type == "integer" && value.number == value.number?.rounded())
        case .string: type == "string"
        case .array: type == "array"
        case .object: type == "object"
        }
    }

    /// A bound that counts something.
    static func count(
        _ keyword: String, in schema: JSONObject, _ path: String
    ) throws(GrammarError) -> Int? {
        guard let value = schema[keyword] else { return nil }
        guard let count = value.integer, (0...1_000_000).contains(count) else {
            throw GrammarError(
                path + "/" + keyword,
                "found \(value.text()); expected an integer from 0 to 1000000")
        }
        return count
    }

    /// Two bounds that count something.
    static func counts(
        _ least: String, _ most: String, in schema: JSONObject, _ path: String
    ) throws(GrammarError) -> (least: Int, most: Int?) {
        let bounds = (
            least: try count(least, in: schema, path) ?? 0,
            most: try count(most, in: schema, path)
        )
        if let highest = bounds.most, highest < bounds.least {
            throw GrammarError(
                path, "\(least) is \(bounds.least), above \(most), which is \(highest)")
        }
        return bounds
    }
}
