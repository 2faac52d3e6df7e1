// Forms of replies and calls of tools, from requests to what clients read.

import TernJSON
import TernPlanning
import TernTesting
import TernText
import Testing

@testable import TernEngine
@testable import TernServer

private let user = #""messages": [{"role": "user", "content": "a"}]"#
private let weather =
    #"{"type": "function", "function": {"name": "weather", "parameters": {"properties": "#
    + #"{"city": {"type": "string"}}, "required": ["city"]}}}"#

private func chat(
    _ fields: String, _ family: ToolCallFamily = .hermes
) throws -> GenerationCall {
    try ChatCompletions.call(
        RequestFields(body: Array("{\(user), \(fields)}".utf8)),
        model: ServedModel(ScriptedGenerator(tools: family), names: ["test"]))
}

private func form(_ call: GenerationCall) throws -> GrammarForm? {
    try call.prompts[0].parameters.adjustments.grammar.map {
        try GrammarForm(json: try JSON(parsing: $0.text))
    }
}

@Suite("Structured output in requests")
struct StructuredOutputTests {
    @Test("A response format becomes a grammar, for texts it becomes none")
    func formats() throws {
        #expect(try form(chat(#""response_format": {"type": "text"}"#)) == nil)
        #expect(try form(chat(#""response_format": {"type": "json_object"}"#)) == .object)
        let schema =
            #"{"type": "json_schema", "json_schema": {"name": "n", "schema": {"const": 1}}}"#
        #expect(try form(chat(#""response_format": \#(schema)"#)) == .schema(["const": 1]))
        #expect(try form(chat(#""guided_json": {"const": 2}"#)) == .schema(["const": 2]))
        #expect(try form(chat(#""guided_json": "{\"const\": 2}""#)) == .schema(["const": 2]))
        let completion = try Completions.call(
            RequestFields(body: Array(#"{"prompt": "a", "response_format": \#(schema)}"#.utf8)),
            model: ServedModel(ScriptedGenerator(), names: ["test"]))
        #expect(try form(completion) == .schema(["const": 1]))
    }

    @Test("The choice of tools decides whether there is a grammar, and which functions it knows")
    func toolChoices() throws {
        let tools = #""tools": [\#(weather)]"#
        #expect(try chat(tools + #", "tool_choice": "none""#).toolCalls == nil)
        #expect(try form(chat(tools + #", "tool_choice": "none""#)) == nil)
        let free = try #require(try chat(tools).toolCalls)
        #expect(!free.isRequired && free.allowsSeveral && free.functions.map(\.name) == ["weather"])
        let named = #", "tool_choice": {"type": "function", "function": {"name": "weather"}}"#
        let forced = try chat(tools + named)
        #expect(forced.toolCalls?.isRequired == true && forced.toolCalls?.allowsSeveral == false)
        #expect(try form(forced) == forced.toolCalls?.form)
        #expect(try chat(tools, .bare).toolCalls == nil, "nothing tells a call from a text")
        #expect(try form(chat(tools, .bare)) == nil)
        #expect(try chat(tools + #", "tool_choice": "required""#, .bare).toolCalls?.family == .bare)
    }

    @Test(
        "What is not supported is refused by its place",
        arguments: [
            (#""response_format": {}"#, "response_format.type", "nothing"),
            (
                #""response_format": {"type": "json_schema"}"#, "response_format.json_schema",
                "nothing"
            ),
            (
                #""response_format": {"type": "json_schema", "json_schema": {"schema": {"not": {}}}}"#,
                "response_format", "not"
            ),
            (#""guided_json": {"pattern": "a"}"#, "guided_json", "pattern"),
            (#""guided_json": "{""#, "guided_json", "no JSON"),
            (#""tools": 5"#, "tools", "5"),
            (#""tools": [{"type": "web_search"}]"#, "tools[0]", "web_search"),
            (
                #""tools": [{"type": "function", "function": {"name": "a b"}}]"#,
                "tools[0].function.name", "a b"
            ),
            (#""tools": [\#(weather), \#(weather)]"#, "tools[1].function.name", "twice"),
            (#""tools": [\#(weather)], "tool_choice": "any""#, "tool_choice", "any"),
            (
                #""tools": [\#(weather)], "tool_choice": {"type": "function", "function": {"name": "x"}}"#,
                "tool_choice", "x"
            ),
            (#""tool_choice": "required""#, "tool_choice", "without tools"),
            (
                #""tools": [\#(weather)], "response_format": {"type": "json_object"}"#,
                "response_format", "beside tools"
            ),
            (
                #""tools": [{"type": "function", "function": {"name": "f", "strict": true, "#
                    + #""parameters": {"pattern": "x"}}}]"#, "tools[0].function.parameters",
                "pattern"
            ),
        ])
    func refusals(fields: String, parameter: String, word: String) throws {
        let error = #expect(throws: APIError.self) { try chat(fields) }
        #expect(error?.status == .badRequest && error?.parameter == parameter)
        #expect(error?.message.contains(word) == true, "\(error?.message ?? "")")
    }

    @Test(
        "Arguments of a function that is not strict are any object where its schema cannot be kept")
    func lenient() throws {
        let call = try chat(
            #""tools": [{"type": "function", "function": {"name": "f", "parameters": {"pattern": "x"}}}]"#
        )
        #expect(
            call.toolCalls?.functions == [ToolFunction(name: "f", parameters: ["type": "object"])])
    }

    /// What the scripted generator, which says again what it was told, is told.
    private static let said =
        #"{"role": "Hm", "content": "<tool_call>\n{\"name\": \"weather\", \"arguments\": "#
        + #"{\"city\": \"}\\\"{\"}}\n</tool_call>"}"#

    @Test("A reply tells calls apart from text")
    func wholeReply() throws {
        try withServer { _, port in
            let answer = try TestClient(port: port).post(
                "/v1/chat/completions", #"{"messages": [\#(Self.said)], "tools": [\#(weather)]}"#)
            let choice = answer.json["choices"]?.array?.first
            #expect(choice?["finish_reason"] == "tool_calls")
            #expect(choice?["message"]?["content"] == "Hm:")
            let call = choice?["message"]?["tool_calls"]?.array?.first
            #expect(call?["type"] == "function")
            #expect(call?["id"]?.string?.hasPrefix("call_") == true)
            #expect(
                call?["function"]
                    == ["name": "weather", "arguments": #"{"city": "}\"{"}"#])
        }
    }

    @Test("A stream tells a call's name first, then its arguments in pieces, then the end")
    func streamedReply() throws {
        try withServer { _, port in
            let answer = try TestClient(port: port).post(
                "/v1/chat/completions",
                #"{"messages": [\#(Self.said)], "tools": [\#(weather)], "stream": true}"#)
            #expect(answer.events.allSatisfy { $0.object != nil }, "every event is an object")
            let choices = answer.events.compactMap { $0["choices"]?.array?.first }
            let deltas = choices.compactMap { $0["delta"] }
            #expect(deltas.compactMap { $0["content"]?.string }.joined() == "Hm:")
            let calls = deltas.compactMap { $0["tool_calls"]?.array?.first }
            let arguments = calls.map { $0["function"]?["arguments"]?.string ?? "nothing" }
            #expect(arguments.count > 5 && arguments.joined() == #"{"city": "}\"{"}"#)
            #expect(calls.allSatisfy { $0["index"] == 0 })
            #expect(calls[0]["function"] == ["name": "weather", "arguments": ""])
            #expect(calls[0]["id"] != nil && calls.dropFirst().allSatisfy { $0["id"] == nil })
            #expect(choices.last?["finish_reason"] == "tool_calls")
            #expect(choices.dropLast().allSatisfy { $0["finish_reason"] == .null })
        }
    }
}
