// A plain validator of JSON Schema for the grammar's tests: it looks at values, knows nothing of
// grammars, and shares no code with their compiler.

import TernJSON

/// Tells whether a value satisfies a schema. `oneOf` is taken as `anyOf`.
struct SchemaValidator {
    let root: JSON

    func admits(_ value: JSON, _ schema: JSON) -> Bool {
        if let verdict = schema.bool { return verdict }
        for (keyword, rule) in schema.object?.members ?? []
        where !holds(keyword, rule, value, schema) { return false }
        return true
    }

    private func holds(_ keyword: String, _ rule: JSON, _ value: JSON, _ schema: JSON) -> Bool {
        let list = rule.array ?? []
        switch keyword {
        case "$ref": return admits(value, resolve(rule.string ?? ""))
        case "anyOf", "oneOf": return list.contains { admits(value, $0) }
        case "allOf": return list.allSatisfy { admits(value, $0) }
        case "enum": return list.contains(value)
        case "const": return rule == value
        case "type":
            return (rule.string.map { [JSON.string($0)] } ?? list).contains { isOf($0, value) }
        case "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum":
            return value.number.map { compare($0, keyword, rule.number ?? 0) } ?? true
        case "minLength": return (length(value) ?? Int.max) >= rule.integer ?? 0
        case "maxLength": return (length(value) ?? 0) <= rule.integer ?? 0
        case "minItems": return (value.array?.count ?? Int.max) >= rule.integer ?? 0
        case "maxItems": return (value.array?.count ?? 0) <= rule.integer ?? 0
        case "prefixItems": return zip(value.array ?? [], list).allSatisfy { admits($0, $1) }
        case "items":
            let prefix = schema["prefixItems"]?.array?.count ?? 0
            return (value.array ?? []).dropFirst(prefix).allSatisfy { admits($0, rule) }
        case "properties":
            return (rule.object?.members ?? []).allSatisfy { key, schema in
                value[key].map { admits($0, schema) } ?? true
            }
        case "required":
            return value.object == nil || list.allSatisfy { value[$0.string ?? ""] != nil }
        case "additionalProperties":
            return (value.object?.members ?? []).allSatisfy { key, value in
                schema["properties"]?[key] != nil || admits(value, rule)
            }
        default: return true
        }
    }

    private func resolve(_ reference: String) -> JSON {
        reference.split(separator: "/").dropFirst().reduce(root) { $0[String($1)] ?? false }
    }

    private func isOf(_ type: JSON, _ value: JSON) -> Bool {
        switch type.string {
        case "null": value.isNull
        case "boolean": value.bool != nil
        case "number": value.number != nil
        case "integer": value.number.map { $0.rounded() == $0 } ?? false
        case "string": value.string != nil
        case "array": value.array != nil
        default: value.object != nil
        }
    }

    private func compare(_ number: Double, _ keyword: String, _ bound: Double) -> Bool {
        switch keyword {
        case "minimum": number >= bound
        case "maximum": number <= bound
        case "exclusiveMinimum": number > bound
        default: number < bound
        }
    }

    private func length(_ value: JSON) -> Int? { value.string?.unicodeScalars.count }
}
