// Random schemas within what grammars support, the same for the same seed.

import TernJSON

/// The SplitMix64 generator (Steele, Lea, Flood, OOPSLA '14).
struct GrammarRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var bits = state
        bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        return bits ^ (bits >> 31)
    }

    mutating func below(_ limit: Int) -> Int { Int.random(in: 0..<limit, using: &self) }

    mutating func pick<Element>(_ list: [Element]) -> Element { list[below(list.count)] }
}

extension GrammarRandom {
    /// A schema whose definitions may refer to each other, and to the schema itself.
    mutating func document() -> JSON {
        var schema = JSONObject([("anyOf", [self.schema(depth: 3), self.schema(depth: 1)])])
        schema["$defs"] = [
            "a": ["type": "object", "properties": ["x": self.schema(depth: 1)]],
            "list": [
                "type": "object", "required": ["value"],
                "properties": [
                    "value": self.schema(depth: 0),
                    "next": ["anyOf": [["$ref": "#/$defs/list"], ["type": "null"]]],
                ],
            ],
        ]
        return .object(schema)
    }

    private mutating func schema(depth: Int) -> JSON {
        switch below(depth > 0 ? 10 : 6) {
        case 0: number("integer", [-120, -7, 0, 3, 45, 1999])
        case 1: number("number", [-20, -1, 0, 1, 12, 300])
        case 2: string()
        case 3:
            pick([["type": "boolean"], ["type": ["string", "null", "integer"]], ["type": "null"]])
        case 4:
            pick([["enum": ["north", "no", "", 12, -3, nil, [1, "é"]]], ["const": ["k": [1]]]])
        case 5: pick([["$ref": "#/$defs/list"], ["$ref": "#/$defs/a"], true])
        case 6, 7: object(depth: depth - 1)
        case 8: array(depth: depth - 1)
        default: [pick(["anyOf", "oneOf"]): [schema(depth: depth - 1), schema(depth: depth - 1)]]
        }
    }

    private mutating func number(_ type: JSON, _ bounds: [Int]) -> JSON {
        var schema = JSONObject([("type", type)])
        let low = pick(bounds)
        if below(2) == 0 { schema[pick(["minimum", "exclusiveMinimum"])] = .integer(low) }
        if below(2) == 0 {
            schema[pick(["maximum", "exclusiveMaximum"])] = .integer(low + 2 + below(2000))
        }
        return .object(schema)
    }

    private mutating func string() -> JSON {
        if below(3) == 0 {
            return [
                "type": "string",
                "format": .string(pick(["date", "time", "date-time", "uuid", "ipv4"])),
            ]
        }
        var schema = JSONObject([("type", "string")])
        let least = below(4)
        if below(2) == 0 { schema["minLength"] = .integer(least) }
        if below(2) == 0 { schema["maxLength"] = .integer(least + below(5)) }
        return .object(schema)
    }

    private mutating func object(depth: Int) -> JSON {
        var properties: [JSONObject.Member] = []
        var required: [JSON] = []
        for key in ["a", "ab", "b\"q", "é"] where below(2) == 0 {
            properties.append((key, schema(depth: depth)))
            if below(2) == 0 { required.append(.string(key)) }
        }
        var schema = JSONObject([
            ("type", "object"), ("properties", .object(JSONObject(properties))),
            ("required", .array(required)),
        ])
        if below(2) == 0 {
            schema["additionalProperties"] = pick([true, false, ["type": "integer"]])
        }
        return .object(schema)
    }

    private mutating func array(depth: Int) -> JSON {
        var schema = JSONObject([("type", "array")])
        if below(3) == 0 {
            schema["prefixItems"] = [self.schema(depth: depth), self.schema(depth: 0)]
        }
        if below(3) > 0 { schema["items"] = self.schema(depth: depth) }
        let least = below(4)
        if below(2) == 0 { schema["minItems"] = .integer(least) }
        if below(2) == 0 { schema["maxItems"] = .integer(least + below(4)) }
        return .object(schema)
    }
}
