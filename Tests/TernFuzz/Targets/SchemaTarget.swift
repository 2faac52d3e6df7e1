// Fuzzes JSON Schema, which comes with requests: what is accepted always has a way on, and every text
// that ends by its grammar is JSON.

import TernJSON
import TernText

/// The compiler of schemas, and the grammars it makes.
enum SchemaTarget {
    /// The most bytes that a grammar is followed for.
    private static let steps = 300

    static func prepare(_ corpus: Corpus, _ scratch: Scratch) throws -> FuzzTarget {
        FuzzTarget(
            name: "schema", language: .json, seeds: schemas.map { Array($0.utf8) },
            words: [
                "\"$ref\":\"#\"", "\"#/$defs/a\"", "minLength", "maxItems", "1e99", "anyOf", "enum",
                "\"multipleOf\":", "exclusiveMinimum", "const", "required", "null", "{}",
            ]
        ) { input in
            guard let schema = try? JSON(parsing: input),
                let grammar = try? Grammar(.schema(schema))
            else { return }
            var random = SeededRandom(seed: UInt64(input.count))
            for _ in 0..<3 { follow(grammar, &random) }
        }
    }

    /// Writes a text that a grammar allows, byte by byte.
    private static func follow(_ grammar: Grammar, _ random: inout SeededRandom) {
        let machine = GrammarMachine(grammar)
        var state = machine.start
        var text: [UInt8] = []
        while text.count < steps {
            let next = (UInt8.min ... .max).filter { machine.advance(state, $0) != .dead }
            let ends = machine.mayEnd(state)
            precondition(
                ends || !next.isEmpty, "no way on after \(String(decoding: text, as: UTF8.self))")
            if ends, next.isEmpty || random.once(in: 3) {
                precondition(
                    (try? JSON(parsing: text)) != nil,
                    "allowed what is no JSON: \(String(decoding: text, as: UTF8.self))")
                return
            }
            guard let byte = random.one(of: next) else { return }
            text.append(byte)
            state = machine.advance(state, byte)
        }
    }

    private static let schemas = [
        #"""
        {"type": "object", "properties": {"a": {"type": "string", "minLength": 1, "maxLength": 9},
         "b": {"type": "array", "items": {"type": "integer", "minimum": -12, "maximum": 345},
         "minItems": 1, "maxItems": 3}, "c": {"enum": ["x", 1, null, {"k": []}]},
         "d": {"anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"const": true}]},
         "e": {"$ref": "#/$defs/n"}}, "required": ["a", "e"], "additionalProperties": false,
         "$defs": {"n": {"type": ["object", "null"], "properties": {"n": {"$ref": "#/$defs/n"}}}}}
        """#,
        #"{"type": "object", "additionalProperties": {"type": "boolean"}, "minProperties": 1}"#,
        #"{"anyOf": [{"type": "string", "format": "date"}, {"type": "string", "pattern": "a"}]}"#,
        #"{"allOf": [{"type": "number"}], "title": "t", "description": "d", "default": 1}"#,
        #"{"type": "array", "prefixItems": [{"type": "null"}, true], "items": false}"#,
        ##"{"$ref": "#"}"##,
        ##"{"oneOf": [{"$ref": "#/definitions/x"}], "definitions": {"x": {}}}"##,
        #"{"type": "integer", "multipleOf": 5, "minimum": 10}"#,
    ]
}
