// Holds renderings to those of jinja2, as transformers sets it up. Tests/Golden/chat_templates.py
// makes the fixtures.

import TernJSON
import TernText
import Testing

@Suite("Chat templates against jinja2")
struct ChatTemplateGoldenTests {
    /// The time and the special tokens of the fixtures.
    static let now = CivilTime(
        year: 2026, month: 7, day: 4, hour: 15, minute: 6, second: 7, microsecond: 89)
    static let variables = JSONObject([("bos_token", "<s>"), ("eos_token", "</s>")])

    @Test("Conversations render as they do in transformers, under templates of seven manners")
    func conversations() throws {
        let golden = try GoldenFile.json("chat_templates.json")
        let cases = try #require(golden["cases"]?.array)
        #expect(cases.count > 200)
        for expected in cases {
            let name = try #require(expected["template"]?.string)
            let source = try #require(golden["templates"]?[name]?.string)
            try check(expected, source: source, given: expected)
        }
    }

    @Test("Each feature of the language does what it does in jinja2")
    func features() throws {
        let golden = try GoldenFile.json("template_features.json")
        let cases = try #require(golden["cases"]?.array)
        #expect(cases.count > 140)
        for expected in cases {
            try check(expected, source: try #require(expected["template"]?.string), given: golden)
        }
    }

    private func check(_ expected: JSON, source: String, given: JSON) throws {
        let comment = Comment(rawValue: "\(source)\n\(expected["conversation"]?.string ?? "")")
        do {
            let prompt = try ChatTemplate(source).render(
                messages: try #require(given["messages"]), tools: given["tools"],
                addGenerationPrompt: given["add_generation_prompt"]?.bool ?? false,
                continuesFinalMessage: expected["continue_final_message"]?.bool ?? false,
                variables: Self.variables, keywords: given["kwargs"]?.object ?? JSONObject(),
                now: Self.now)
            let text = try #require(expected["prompt"]?.string, comment)
            #expect(prompt.text.utf8.elementsEqual(text.utf8), comment)
        } catch let error as ChatTemplateError {
            #expect("\(error.kind)" == expected["failure"]?.string, comment)
            if let reason = expected["reason"]?.string { #expect(error.reason == reason) }
        }
    }
}
