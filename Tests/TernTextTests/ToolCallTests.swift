// Calls of tools in the words of each family: what the form lets pass is what the parser reads,
// however the text is cut.

import TernJSON
import TernText
import Testing

@Suite("Tool calls")
struct ToolCallTests {
    private static let functions = [
        ToolFunction(
            name: "add",
            parameters: [
                "type": "object", "properties": ["a": ["type": "integer"]], "required": ["a"],
            ]),
        ToolFunction(name: "say", parameters: ["type": "object"]),
    ]

    private static func format(
        _ family: ToolCallFamily, isRequired: Bool, allowsSeveral: Bool = true
    ) -> ToolCallFormat {
        ToolCallFormat(
            family, functions: functions, isRequired: isRequired, allowsSeveral: allowsSeveral)
    }

    private static func admits(_ format: ToolCallFormat, _ text: String) throws -> Bool {
        let machine = GrammarMachine(try Grammar(format.form))
        return machine.mayEnd(machine.advance(machine.start, Array(text.utf8)))
    }

    /// Events, with neighbours of a kind joined.
    private static func events(
        _ format: ToolCallFormat, _ text: String, pieces: Int
    ) -> [ToolCallEvent] {
        var parser = ToolCallParser(format)
        var events: [ToolCallEvent] = []
        var rest = Substring(text)
        while !rest.isEmpty {
            events += parser.append(String(rest.prefix(pieces)))
            rest = rest.dropFirst(pieces)
        }
        return (events + parser.finish()).reduce(into: []) { joined, event in
            switch (joined.last, event) {
            case (.text(let one), .text(let other)): joined[joined.count - 1] = .text(one + other)
            case (.arguments(let one), .arguments(let other)):
                joined[joined.count - 1] = .arguments(one + other)
            default: joined.append(event)
            }
        }
    }

    @Test("The words of a template tell its family")
    func families() {
        #expect(ToolCallFamily(template: "…<tool_call>…") == .hermes)
        #expect(ToolCallFamily(template: "…<tool_call>\n<function=…") == .bare)
        #expect(ToolCallFamily(template: "…[TOOL_CALLS]…") == .mistral)
        #expect(ToolCallFamily(template: #"ipython {"name": x, "parameters": y}"#) == .llama)
        #expect(ToolCallFamily(template: "{{ messages }}") == .bare)
    }

    @Test(
        "What the form lets pass, the parser reads, however it is cut",
        arguments: [
            (
                ToolCallFamily.hermes, false,
                "I <add>: <tool_call>\n{\"name\": \"add\", \"arguments\": {\"a\": 5}}\n</tool_call>\n"
                    + "<tool_call>\n{\"name\": \"say\", \"arguments\": {\"b\": \"}\\\"{é\"}}\n</tool_call>",
                [
                    ToolCallEvent.text("I <add>: "), .call(name: "add"), .arguments(#"{"a": 5}"#),
                    .call(name: "say"), .arguments(#"{"b": "}\"{é"}"#),
                ]
            ),
            (.hermes, false, "No call <tool_cal", [.text("No call <tool_cal")]),
            (
                .hermes, true, "<tool_call>\n{\"name\": \"say\", \"arguments\": {}}\n</tool_call>",
                [.call(name: "say"), .arguments("{}")]
            ),
            (
                .llama, false, #"{"name": "add", "parameters": {"a": 1}}"#,
                [.call(name: "add"), .arguments(#"{"a": 1}"#)]
            ),
            (.llama, false, "So {it} is", [.text("So {it} is")]),
            (
                .bare, true, #"{"name": "say", "arguments":  {"x":[{}]}}"#,
                [.call(name: "say"), .arguments(#"{"x":[{}]}"#)]
            ),
            (.mistral, false, "So [it] is", [.text("So [it] is")]),
        ])
    func readings(
        family: ToolCallFamily, isRequired: Bool, text: String, events: [ToolCallEvent]
    ) throws {
        let format = Self.format(family, isRequired: isRequired)
        #expect(try Self.admits(format, text))
        for pieces in 1...7 {
            #expect(Self.events(format, text, pieces: pieces) == events, "pieces of \(pieces)")
        }
    }

    @Test("A control token opens Mistral's calls, and is no part of the text that is read")
    func mistral() throws {
        let format = Self.format(.mistral, isRequired: true)
        let text = #"[{"name": "add", "arguments": {"a": 1}}, {"name": "say", "arguments": {}}]"#
        #expect(try !Self.admits(format, text))
        #expect(
            Self.events(format, text, pieces: 3) == [
                .call(name: "add"), .arguments(#"{"a": 1}"#), .call(name: "say"), .arguments("{}"),
            ])
    }

    @Test("Forms hold to the functions, their arguments, and how many calls there may be")
    func limits() throws {
        let call = "<tool_call>\n{\"name\": \"say\", \"arguments\": {}}\n</tool_call>"
        let one = Self.format(.hermes, isRequired: false, allowsSeveral: false)
        #expect(try Self.admits(one, "a" + call) && !Self.admits(one, call + "\n" + call))
        let needed = Self.format(.hermes, isRequired: true)
        #expect(try Self.admits(needed, call + "\n" + call) && !Self.admits(needed, "a" + call))
        #expect(try !Self.admits(needed, "") && !Self.admits(needed, call + "a"))
        let bare = Self.format(.bare, isRequired: true)
        #expect(try !Self.admits(bare, #"{"name": "sing", "arguments": {}}"#))
        #expect(try !Self.admits(bare, #"{"name": "add", "arguments": {"a": "x"}}"#))
    }
}
