// Holds errors to their form: the line, what was found, what to do.

import TernJSON
import TernText
import Testing

@Suite("Errors of chat templates")
struct TemplateErrorTests {
    @Test(
        "Errors name the line of the template and what is wrong there",
        arguments: [
            ("a\n{{ 1 +\n }}", "line 3: '}}' stands where a value is expected"),
            ("\n\n{% if x %}\n\n", "line 3: {% elif %} or {% else %} or {% endif %} is missing"),
            ("{% for x in y %}\n{% endif %}", "line 2: '{% endif %}' is unknown here"),
            ("{{ 'a", "line 1: the string opened here does not end"),
            ("x\n{# y", "line 2: '#}' is missing for the comment opened here"),
            ("{{ a ! b }}", "line 1: '!' means nothing inside a tag"),
            ("{{ (1] }}", "line 1: ']' stands where ')' is expected"),
            ("{% include 'x' %}", "line 1: '{% include %}' is not part of chat templates"),
            ("\n{{ x | shout }}", "line 2: there is no filter 'shout'"),
            ("\n{{ missing.x }}", "line 2: 'missing' is undefined"),
            ("{{ messages[0].x.y }}", "line 1: 'dict object' has no attribute 'x'"),
            ("{{ 1 }}\n{{ 'a' + 1 }}", "line 2: '+' does not work between str and int"),
            ("{{ [].append(1) }}", "line 1: 'append' would change a list, which templates may not"),
            ("{{ 2 ** 64 }}", "line 1: 2 ** 64 does not fit 64 bits"),
            ("{{ 99999999999999999999 }}", "line 1: the number 99999999999999999999 does not fit"),
            ("{{ range(10 ** 12) }}", "line 1: a range of more than 100000 numbers is too long"),
            ("{% set a, b = [1] %}", "line 1: 1 values cannot be unpacked to 2 names"),
        ])
    func lines(source: String, message: String) {
        #expect {
            try ChatTemplate(source).render(
                messages: [["role": "user"]], addGenerationPrompt: false)
        } throws: {
            "\($0)".hasPrefix("chat template, " + message)
        }
    }

    @Test("A refusal carries the template's own words")
    func refusal() {
        #expect {
            try ChatTemplate("{{ raise_exception('Roles must alternate') }}").render(
                messages: [["role": "user"]], addGenerationPrompt: false)
        } throws: { error in
            guard let error = error as? ChatTemplateError else { return false }
            return error.kind == .refusal && error.reason == "Roles must alternate"
        }
    }

    @Test("What is no conversation is refused by name")
    func conversations() throws {
        let template = try ChatTemplate("x")
        let cases: [(JSON, JSON?, JSONObject, String)] = [
            ([:], nil, JSONObject(), "'messages' is an object; a list of messages is expected"),
            ([], nil, JSONObject(), "'messages' is empty; at least one message is expected"),
            (["hi"], nil, JSONObject(), "messages[0] is a string; an object is expected"),
            ([[:]], "t", JSONObject(), "'tools' is a string; a list of tools is expected"),
            ([[:]], [1], JSONObject(), "tools[0] is a number; an object is expected"),
            (
                [[:]], nil, JSONObject([("messages", [])]),
                "chat_template_kwargs: 'messages' has a place of its own; give it there"
            ),
        ]
        for (messages, tools, keywords, reason) in cases {
            #expect {
                try template.render(
                    messages: messages, tools: tools, addGenerationPrompt: false,
                    keywords: keywords)
            } throws: {
                "\($0)" == "chat template: " + reason
            }
        }
    }

    @Test("JSON that nests too deep is refused, however it was made")
    func deepJSON() throws {
        var content: JSON = "x"
        for _ in 0..<300 { content = [content] }
        let messages: JSON = [["role": "user", "content": content]]
        #expect {
            try ChatTemplate("x").render(messages: messages, addGenerationPrompt: false)
        } throws: {
            ($0 as? ChatTemplateError)?.kind == .limit
        }
    }
}
