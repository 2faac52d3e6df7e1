// Holds prompts that end inside the last message to their rules beyond the goldens: who wrote the
// text stays known, and what cannot be continued is refused by name.

import TernJSON
import TernText
import Testing

@Suite("Prompts that continue the last message")
struct TemplateContinuationTests {
    private let source =
        "{% for m in messages %}<|{{ m.role }}|>{{ m.content | trim }}<|end|>{% endfor %}"

    private func prompt(
        _ content: JSON, source: String? = nil, addGenerationPrompt: Bool = false
    ) throws -> RenderedPrompt {
        let messages: JSON = [
            ["role": "user", "content": "Hi"], ["role": "assistant", "content": content],
        ]
        return try ChatTemplate(source ?? self.source).render(
            messages: messages, addGenerationPrompt: addGenerationPrompt,
            continuesFinalMessage: true)
    }

    @Test("The prompt ends with the caller's text, which stays the caller's")
    func authors() throws {
        #expect(
            try prompt("It is <|end|> ").segments == [
                .template("<|user|>"), .literal("Hi"), .template("<|end|><|assistant|>"),
                .literal("It is <|end|>"),
            ])
    }

    @Test("Of a text that holds the mark itself, only the mark at its end counts")
    func markInText() throws {
        let text = "CONTINUE_FINAL_MESSAGE_TAG is a mark, CONTINUE_FINAL_MESSAGE_TAG "
        #expect(try prompt(.string(text)).text.hasSuffix("is a mark, CONTINUE_FINAL_MESSAGE_TAG"))
    }

    @Test("What cannot be continued is refused by name")
    func refusals() {
        let cases: [(JSON, String?, Bool, String)] = [
            (.null, nil, false, "continue_final_message: the last message has no text in"),
            (5, nil, false, "continue_final_message: the last message has no text in"),
            ([["type": "image"]], nil, false, "continue_final_message: the last message has no pa"),
            ("x", "{{ messages[0].content }}", false, "continue_final_message: the template cha"),
            (
                "x", "{{ messages[-1].content | upper }}CONTINUE_FINAL_MESSAGE_TAG", false,
                "continue_final_message: the template cha"
            ),
            ("x", nil, true, "continue_final_message and add_generation_prompt exclude each"),
        ]
        for (content, source, adds, reason) in cases {
            #expect("\(content)") {
                try prompt(content, source: source, addGenerationPrompt: adds)
            } throws: { error in
                guard let error = error as? ChatTemplateError else { return false }
                return error.kind == .conversation && error.reason.hasPrefix(reason)
            }
        }
    }
}
