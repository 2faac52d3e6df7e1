// Grammars against what they must and must not let pass, and random texts made under masks against a
// plain validator of schemas.

import TernJSON
import Testing

@testable import TernText

@Suite("Grammars")
struct GrammarTests {
    /// Whether a form lets a whole text pass.
    private static func admits(_ form: GrammarForm, _ text: String) throws -> Bool {
        let machine = GrammarMachine(try Grammar(form))
        return machine.mayEnd(machine.advance(machine.start, Array(text.utf8)))
    }

    @Test(
        "A schema lets pass what satisfies it and nothing else",
        arguments: [
            (
                #"{"type":"integer","minimum":-5,"maximum":120}"#, "-5 0 7 99 120",
                "-6 121 01 1.5 -0"
            ),
            (#"{"type":"integer","exclusiveMinimum":9.5}"#, "10 99999", "9 -1"),
            (#"{"type":"number","minimum":0,"maximum":1}"#, "0 0.25 1 1.0 1.000", "1.1 -0.5 2 1e0"),
            (#"{"type":"number","exclusiveMaximum":-2}"#, "-2.5 -3 -2.000001", "-2 -2.0 0 -1"),
            (#"{"type":"number"}"#, "0 -1.5 2e10 1E-7", "01 .5 1. +1 1e400"),
            (
                #"{"type":"string","maxLength":2}"#, #""" "a" "né" "\u00e9x" "\ud83d\ude00x""#,
                #""abc" "\ud83d" "\ude00" "a"#
            ),
            (
                #"{"type":"string","format":"date"}"#, #""2024-02-29" "2000-02-29" "1999-12-31""#,
                #""2023-02-29" "1900-02-29" "2024-13-01" "2024-04-31""#
            ),
            (#"{"enum":["a","ab",1,null]}"#, #""a" "ab" 1 null"#, #""b" "abc" 11"#),
            (#"{"enum":["a",1],"type":"integer"}"#, "1", #""a""#),
            (
                #"{"type":"array","items":{"type":"null"},"minItems":1,"maxItems":2}"#,
                "[null] [null,null]", "[] [null,null,null] [,null]"
            ),
            (
                #"{"type":"array","prefixItems":[{"const":1},{"const":2}],"items":false}"#,
                "[] [1] [1,2]", "[2] [1,2,3]"
            ),
            (
                #"{"type":"object","properties":{"a":{"const":1},"b":{"const":2}},"required":["b"]}"#,
                #"{"a":1,"b":2} {"b":2}"#, #"{} {"a":1} {"b":2,"a":1} {"b":2,"c":3}"#
            ),
            (
                #"{"properties":{"ab":{"const":1}},"additionalProperties":{"const":2}}"#,
                #"{} {"ab":1} {"a":2} {"abc":2} {"ab":1,"":2}"#,
                #"{"ab":2} {"a\u0062":2} {"a":1} {"ab":1,"ab":2}"#
            ),
            (#"{"type":"object"}"#, #"{} {"a":[{"b":{}}]}"#, "[] 1 {1:2} {,}"),
            (
                ##"{"$ref":"#/$defs/t","$defs":{"t":{"type":"array","items":{"$ref":"#/$defs/t"}}}}"##,
                "[] [[],[[]]]", "[[] 1"
            ),
        ])
    func schemas(schema: String, good: String, bad: String) throws {
        let form = GrammarForm.schema(try JSON(parsing: schema))
        for text in good.split(separator: " ") {
            #expect(try Self.admits(form, String(text)), "\(text)")
        }
        for text in bad.split(separator: " ") {
            #expect(try !Self.admits(form, String(text)), "\(text)")
        }
    }

    @Test("Blanks may stand once after punctuation, never twice and never at the end")
    func blanks() throws {
        #expect(try Self.admits(.object, #" { "a": [ 1, 2 ], "b": {} }"#))
        for text in [#"{  "a": 1}"#, #"{"a" : 1}"#, "{} ", "\n{}", #"{"a":  1}"#] {
            #expect(try !Self.admits(.object, text), "\(text)")
        }
    }

    @Test(
        "What cannot be kept is refused by name and place",
        arguments: [
            (#"{"properties":{"a":{"pattern":"x"}}}"#, "#/properties/a", "pattern"),
            (#"{"items":{"not":{}}}"#, "#/items", "not"),
            (#"{"type":"string","format":"email"}"#, "#/format", "email"),
            (#"{"type":"number","minimum":0.5}"#, "#/minimum", "0.5"),
            (#"{"type":"number","minimum":-9223372036854775808}"#, "#/minimum", "9 digits"),
            (#"{"type":"integer","maximum":-9223372036854775808}"#, "#/maximum", "1e15"),
            (#"{"type":"strng"}"#, "#/type", "strng"),
            (#"{"allOf":[{},{}]}"#, "#/allOf", "2 schemas"),
            (##"{"$ref":"other.json"}"##, "#/$ref", "other.json"),
            (##"{"$ref":"#/$defs/x"}"##, "#/$ref", "not there"),
            (##"{"$ref":"#"}"##, "#", "no finite value"),
            (##"{"properties":{"n":{"$ref":"#"}},"required":["n"]}"##, "#", "no finite value"),
            (#"{"minItems":3,"maxItems":2}"#, "#", "minItems"),
            (#"{"anyOf":[{}],"type":"string"}"#, "#", "type"),
            (
                #"{"type":"object","properties":{},"required":["x"],"additionalProperties":false}"#,
                "#/required", "x"
            ),
            ("[]", "#", "array"), ("false", "#", "false"),
        ])
    func refusals(schema: String, path: String, word: String) throws {
        let json = try JSON(parsing: schema)
        let error = #expect(throws: GrammarError.self) { try Grammar(.schema(json)) }
        #expect(error?.path == path)
        #expect(error?.reason.contains(word) == true, "\(error?.reason ?? "")")
    }

    @Test("Grammars beyond a limit are refused, and nesting ends before the limit of readers")
    func limits() throws {
        let many: [JSON] = (0..<9000).map { .string("\($0 * 7919)") }
        #expect(throws: GrammarError.self) { try Grammar(.schema(["enum": .array(many)])) }
        let text = Array(GrammarForm.schema(["enum": .array(many)]).json.text().utf8)
        #expect(throws: GrammarError.self) { try Grammar(text: text) }
        let machine = GrammarMachine(try Grammar(.schema(true)))
        var state = machine.start
        var depth = 0
        while machine.advance(state, UInt8(ascii: "[")) != .dead {
            state = machine.advance(state, UInt8(ascii: "["))
            depth += 1
        }
        #expect((32..<JSON.maximumDepth).contains(depth))
        #expect(
            machine.mayEnd(
                machine.advance(state, Array(repeating: UInt8(ascii: "]"), count: depth))))
    }

    @Test("A schema that can be read in ever more ways stays within its bound of readings")
    func ambiguity() throws {
        let schema = try JSON(
            parsing: ##"{"anyOf":[{"items":{"$ref":"#"}},{"items":{"$ref":"#"}},{"type":"null"}]}"##
        )
        let text = String(repeating: "[", count: 40) + "null" + String(repeating: "]", count: 40)
        #expect(try Self.admits(.schema(schema), text))
    }

    @Test("Forms travel as text, prose goes free until its marker, lists count")
    func forms() throws {
        let call = GrammarForm.sequence([.text("<call>"), .schema(["const": 1]), .text("</call>")])
        let form = GrammarForm.prose(
            until: "<call>",
            then: .sequence([
                .list(
                    .sequence([.schema(["const": 1]), .text("</call>")]), separator: "\n<call>",
                    most: 2)
            ]))
        let travelled = try GrammarForm(json: try JSON(parsing: form.json.text()))
        #expect(travelled == form)
        for text in ["", "Hello <cal", "a<<call>1</call>", "<call>1</call>\n<call>1</call>"] {
            #expect(try Self.admits(travelled, text), "\(text)")
        }
        for text in ["<call>", "a<call>2</call>", "<call>1</call>x"] {
            #expect(try !Self.admits(travelled, text), "\(text)")
        }
        #expect(try Self.admits(call, "<call>1</call>"))
        let plain = GrammarForm.choice([call, .plain(notFrom: "<")])
        #expect(try Self.admits(plain, "so < be it") && Self.admits(plain, ""))
        #expect(try !Self.admits(plain, "<b>"))
    }
}
