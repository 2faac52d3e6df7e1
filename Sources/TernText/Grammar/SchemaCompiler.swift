// From JSON Schema to nodes. Every schema, wherever it stands, is compiled once, by its place; what
// refers to it calls it, so that a schema may refer to itself. What it cannot express it refuses by
// name: a text that follows the grammar always satisfies the schema, never the other way round.
//
// Narrower than the schema, and so still sound: properties come in their order; those that are not
// declared come last, and only where `additionalProperties` is there and allows them; numbers have at
// most 15 digits; `oneOf` is taken as `anyOf`.
//
// Source: JSON Schema, draft 2020-12, Core and Validation; RFC 8259.

import TernJSON

/// Compiles the schemas of one document.
struct SchemaCompiler {
    var builder: GrammarBuilder
    private let root: JSON
    /// Nodes of schemas, by place; `any` is no place of a document.
    private var rules: [[UInt8]: Int32] = [:]
    private var pending: [(schema: JSON, path: String, node: Int32)] = []
    /// Shared parts, by name.
    var parts: [String: Int32] = [:]

    /// Adds a document's schema; gives the node that calls are to name.
    static func compile(
        _ schema: JSON, into builder: inout GrammarBuilder
    ) throws(GrammarError) -> Int32 {
        var compiler = SchemaCompiler(builder: builder, root: schema)
        let node = try compiler.rule(schema, "#")
        while let next = compiler.pending.popLast() {
            let start = try compiler.network(next.schema, next.path)
            compiler.builder.settle(next.node, start)
        }
        builder = compiler.builder
        return node
    }

    private init(builder: GrammarBuilder, root: JSON) {
        self.builder = builder
        self.root = root
    }

    /// The node of a schema, compiled later if it is not yet.
    mutating func rule(_ schema: JSON, _ path: String) throws(GrammarError) -> Int32 {
        let key = Array(path.utf8)
        if let node = rules[key] { return node }
        let node = try builder.reserve()
        rules[key] = node
        pending.append((schema, path, node))
        return node
    }

    /// The node of any value.
    mutating func anyRule() throws(GrammarError) -> Int32 { try rule(true, "any value") }

    /// A call of a schema.
    mutating func call(
        _ schema: JSON, _ path: String, then next: Int32
    ) throws(GrammarError) -> Int32 {
        try builder.add(.call(try rule(schema, path), next: next))
    }

    /// The network of a schema, which ends with `pop`.
    private mutating func network(_ schema: JSON, _ path: String) throws(GrammarError) -> Int32 {
        if schema.bool == true { return try types(SchemaKeywords.types, JSONObject(), path) }
        guard let object = schema.object else {
            throw GrammarError(
                path,
                schema.bool == false
                    ? "the schema is false, which no value satisfies"
                    : "found \(schema.kind); expected a schema, an object or true")
        }
        try SchemaKeywords.check(object, path)
        if let reference = object["$ref"] {
            try SchemaKeywords.checkAlone("$ref", in: object, path)
            return try target(of: reference, path)
        }
        for keyword in ["anyOf", "oneOf", "allOf"] {
            if let list = object[keyword] {
                try SchemaKeywords.checkAlone(keyword, in: object, path)
                return try alternatives(list, keyword, path)
            }
        }
        if let values = object["enum"] ?? object["const"].map({ .array([$0]) }) {
            return try constants(values, in: object, path)
        }
        return try types(try SchemaKeywords.types(of: object, path), object, path)
    }

    private mutating func alternatives(
        _ list: JSON, _ keyword: String, _ path: String
    ) throws(GrammarError) -> Int32 {
        guard let schemas = list.array, !schemas.isEmpty else {
            throw GrammarError(path + "/" + keyword, "expected a list of at least one schema")
        }
        guard keyword != "allOf" || schemas.count == 1 else {
            throw GrammarError(
                path + "/allOf", "found \(schemas.count) schemas; allOf is supported with one only")
        }
        var starts: [Int32] = []
        for (index, schema) in schemas.enumerated() {
            starts.append(try rule(schema, "\(path)/\(keyword)/\(index)"))
        }
        return try builder.choice(starts)
    }

    /// The schema that a local reference names.
    private mutating func target(
        of reference: JSON, _ path: String
    ) throws(GrammarError) -> Int32 {
        guard let text = reference.string, text == "#" || text.hasPrefix("#/"),
            !text.contains("%")
        else {
            throw GrammarError(
                path + "/$ref",
                "found \(reference.text()); expected a reference into the schema, as #/$defs/name")
        }
        var place = root
        for step in text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            .dropFirst()
        {
            let key = JSONPointer.unescaped(step)
            let next = place.array.map { list in
                Int(key).flatMap { list.indices.contains($0) ? list[$0] : nil }
            }
            guard let next = next ?? place[key] else {
                throw GrammarError(path + "/$ref", "found \(reference.text()), which is not there")
            }
            place = next
        }
        return try rule(place, text)
    }

    /// Set values, each in its compact spelling.
    private mutating func constants(
        _ values: JSON, in object: JSONObject, _ path: String
    ) throws(GrammarError) -> Int32 {
        let keyword = object["enum"] == nil ? "const" : "enum"
        try SchemaKeywords.checkAlone(keyword, in: object, path, beside: ["type"])
        let types = object["type"] == nil ? nil : try SchemaKeywords.types(of: object, path)
        let admitted = (values.array ?? []).filter { value in
            types.map { $0.contains { SchemaKeywords.admits($0, value) } } ?? true
        }
        guard !admitted.isEmpty else {
            throw GrammarError(
                path + "/" + keyword, "no value is left; expected a list of at least one")
        }
        return try builder.literals(
            admitted.map { Array($0.text().utf8) }, then: GrammarBuilder.pop)
    }

    /// A value of one of some types, with the keywords that each knows.
    private mutating func types(
        _ types: [String], _ object: JSONObject, _ path: String
    ) throws(GrammarError) -> Int32 {
        var starts: [Int32] = []
        for type in types {
            switch type {
            case "null": starts.append(try builder.literal("null", then: GrammarBuilder.pop))
            case "boolean":
                starts.append(
                    try builder.literals(
                        [Array("true".utf8), Array("false".utf8)], then: GrammarBuilder.pop))
            case "integer":
                // An integer is a number: with both, the number alone is unambiguous.
                if !types.contains("number") { starts.append(try integer(object, path)) }
            case "number": starts.append(try number(object, path))
            case "string": starts.append(try string(object, path))
            case "array": starts.append(try array(object, path))
            default: starts.append(try self.object(object, path))
            }
        }
        return try builder.choice(starts)
    }
}

/// The escapes of JSON pointers (RFC 6901).
enum JSONPointer {
    static func unescaped(_ step: some Sequence<UInt8>) -> String {
        let parts = String(decoding: Array(step), as: UTF8.self)
            .split(separator: "~", omittingEmptySubsequences: false)
        guard let first = parts.first else { return "" }
        return parts.dropFirst().reduce(into: String(first)) { text, part in
            switch part.first {
            case "0": text += "~" + part.dropFirst()
            case "1": text += "/" + part.dropFirst()
            default: text += "~" + part
            }
        }
    }

    static func escaped(_ key: String) -> String {
        key.reduce(into: "") { text, character in
            switch character {
            case "~": text += "~0"
            case "/": text += "~1"
            default: text.append(character)
            }
        }
    }
}
