// Objects and arrays of a schema as networks.

import TernJSON

extension SchemaCompiler {
    /// A property of an object.
    private struct Property {
        let key: String
        let schema: JSON
        let path: String
        let isRequired: Bool
    }

    /// An object: its declared properties in order, those that are optional or not, then others
    /// where they are allowed.
    mutating func object(_ schema: JSONObject, _ path: String) throws(GrammarError) -> Int32 {
        let properties = try properties(of: schema, path)
        let extra = try extraProperties(of: schema, path)
        let end = try builder.optionalBlank(then: try builder.literal("}", then: 0))
        // The nodes from here on, where nothing stands before and where something does.
        var (first, later) = (end, end)
        if let extra {
            let member = try extraMember(
                extra, except: properties.map(\.key), then: GrammarBuilder.pop)
            let more = try separator(then: try builder.add(.call(member, next: 0)))
            later = try builder.repeated(more, 0, nil, then: end)
            first = try builder.choice([
                end, try builder.optionalBlank(then: try builder.add(.call(member, next: later))),
            ])
        }
        for property in properties.reversed() {
            let next = later
            var member = try call(property.schema, property.path, then: next)
            member = try builder.literal(
                ":", then: try builder.optionalBlank(then: member))
            member = try builder.literal(Array(JSON.string(property.key).text().utf8), then: member)
            let (atFirst, atLater) = (
                try builder.optionalBlank(then: member), try separator(then: member)
            )
            first = property.isRequired ? atFirst : try builder.choice([atFirst, first])
            later = property.isRequired ? atLater : try builder.choice([atLater, later])
        }
        return try builder.literal("{", then: first)
    }

    private func properties(
        of schema: JSONObject, _ path: String
    ) throws(GrammarError) -> [Property] {
        let declared = schema["properties"] ?? .object(JSONObject())
        let required = schema["required"] ?? []
        guard let members = declared.object?.members else {
            throw GrammarError(path + "/properties", "found \(declared.kind); expected an object")
        }
        guard let names = required.array?.compactMap(\.string),
            names.count == required.array?.count
        else {
            throw GrammarError(path + "/required", "expected a list of strings")
        }
        let needed = Set(names.map { Array($0.utf8) })
        var properties: [Property] = []
        var seen: Set<[UInt8]> = []
        for (key, _) in members where seen.insert(Array(key.utf8)).inserted {
            properties.append(
                Property(
                    key: key, schema: declared[key] ?? true,
                    path: "\(path)/properties/\(JSONPointer.escaped(key))",
                    isRequired: needed.contains(Array(key.utf8))))
        }
        for name in names where seen.insert(Array(name.utf8)).inserted {
            guard let (extra, place) = try extraProperties(of: schema, path, isNeeded: true) else {
                throw GrammarError(
                    path + "/required",
                    "found \(JSON.string(name).text()), which additionalProperties forbids")
            }
            properties.append(Property(key: name, schema: extra, path: place, isRequired: true))
        }
        return properties
    }

    /// The schema of properties that are not declared, where there may be some. Objects that declare
    /// some say by `additionalProperties` that they want others too.
    private func extraProperties(
        of schema: JSONObject, _ path: String, isNeeded: Bool = false
    ) throws(GrammarError) -> (schema: JSON, path: String)? {
        switch schema["additionalProperties"] {
        case .bool(false): return nil
        case .bool(true): return (true, "any value")
        case .object(let extra): return (.object(extra), path + "/additionalProperties")
        case nil:
            return schema["properties"] == nil || isNeeded ? (true, "any value") : nil
        case .some(let other):
            throw GrammarError(
                path + "/additionalProperties",
                "found \(other.kind); expected true, false or a schema")
        }
    }

    /// A member whose key is none of some. Its key is written without escapes where there are some,
    /// so that it cannot be another spelling of one of them.
    private mutating func extraMember(
        _ extra: (schema: JSON, path: String), except keys: [String], then next: Int32
    ) throws(GrammarError) -> Int32 {
        let value = try builder.literal(
            ":",
            then: try builder.optionalBlank(then: try call(extra.schema, extra.path, then: next)))
        let end = try builder.literal("\"", then: value)
        let key =
            keys.isEmpty
            ? try builder.repeated(try character(), 0, nil, then: end)
            : try otherKey(than: keys, then: end)
        return try builder.literal("\"", then: key)
    }

    /// The rest of a key that has no escapes and is none of some: it leaves the tree of those at one
    /// of its nodes, or ends at one that is not the end of one.
    private mutating func otherKey(
        than keys: [String], then end: Int32
    ) throws(GrammarError) -> Int32 {
        let any = try builder.repeated(try plainCharacter(), 0, nil, then: end)
        var prefixes: [[UInt8]: Set<UInt8>] = [[]: []]
        let bytes = keys.map { Array($0.utf8) }
        for key in bytes where !key.contains(where: { $0 < 0x20 || $0 == 0x22 || $0 == 0x5C }) {
            for length in key.indices {
                prefixes[Array(key[..<length]), default: []].insert(key[length])
            }
            prefixes[key, default: []].formUnion([])
        }
        let taken = Set(bytes)
        var nodes: [[UInt8]: Int32] = [:]
        let order = prefixes.keys.sorted {
            $0.count != $1.count ? $0.count > $1.count : $0.lexicographicallyPrecedes($1)
        }
        for prefix in order {
            let following = prefixes[prefix] ?? []
            let isBetween = String(validating: prefix, as: UTF8.self) != nil
            var starts: [Int32] = taken.contains(prefix) || !isBetween ? [] : [end]
            for byte in following.sorted() {
                guard let node = nodes[prefix + [byte]] else { continue }
                starts.append(try builder.bytes(ByteSet([byte]), then: node))
            }
            // Beyond ASCII, keys leave only where a whole character begins.
            let left = ByteSet.plainASCII.subtracting(ByteSet(following))
            if isBetween { starts.append(try builder.bytes(left, then: any)) }
            nodes[prefix] =
                starts.isEmpty
                ? try builder.bytes(ByteSet([]), then: end) : try builder.choice(starts)
        }
        guard let start = nodes[[]] else { preconditionFailure("no node for the empty key") }
        return start
    }

    private mutating func separator(then next: Int32) throws(GrammarError) -> Int32 {
        try builder.literal(",", then: try builder.optionalBlank(then: next))
    }

    /// An array: the elements of `prefixItems`, then those of `items`.
    mutating func array(_ schema: JSONObject, _ path: String) throws(GrammarError) -> Int32 {
        let (least, most) = try SchemaKeywords.counts("minItems", "maxItems", in: schema, path)
        guard let prefix = (schema["prefixItems"] ?? []).array else {
            throw GrammarError(path + "/prefixItems", "expected a list of schemas")
        }
        let closed = schema["items"] == false || most.map { $0 <= prefix.count } ?? false
        guard !closed || least <= prefix.count else {
            throw GrammarError(
                path + "/minItems", "found \(least), and there may be \(prefix.count) at most")
        }
        let element = (
            schema["items"] ?? true, schema["items"] == nil ? "any value" : path + "/items"
        )
        let end = try builder.optionalBlank(then: try builder.literal("]", then: 0))
        // From behind the prefix: where nothing stands before, and where something does.
        var (first, later) = (end, end)
        if !closed {
            let more = try separator(then: try call(element.0, element.1, then: 0))
            later = try builder.repeated(
                more, max(0, least - prefix.count), most.map { $0 - prefix.count }, then: end)
            let rest = try builder.repeated(
                more, max(0, least - 1), most.map { $0 - 1 }, then: end)
            let some = try builder.optionalBlank(then: try call(element.0, element.1, then: rest))
            first = least > 0 ? some : try builder.choice([end, some])
        }
        for (index, item) in prefix.enumerated().reversed() {
            if let most, index >= most {
                (first, later) = (end, end)
                continue
            }
            let value = try call(item, "\(path)/prefixItems/\(index)", then: later)
            let (atFirst, atLater) = (
                try builder.optionalBlank(then: value), try separator(then: value)
            )
            first = index < least ? atFirst : try builder.choice([end, atFirst])
            later = index < least ? atLater : try builder.choice([end, atLater])
        }
        return try builder.literal("[", then: first)
    }
}
