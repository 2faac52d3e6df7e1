// `tern tokenize`, `tern detokenize` and `tern chat-template`: the text half of an engine alone,
// from standard input to standard output.

import TernEngine
import TernJSON
import TernText

/// Text to tokens.
enum Tokenize {
    static let command = Command(
        name: "tokenize",
        summary: "Read a text from standard input, as it is, and print its tokens.",
        positionals: ["MODEL"],
        sections: [
            (
                "Options",
                [
                    Option("--json", help: "print {\"token_ids\": […]} instead of a line"),
                    Option("--no-special-tokens", help: "without what the post-processor adds"),
                ]
            )
        ]
    ) { arguments in
        let tokenizer = try ModelFiles(arguments.positionals[0]).tokenizer()
        let ids = try tokenizer.encode(
            utf8: try Console.input(), addSpecialTokens: !arguments.has("--no-special-tokens"))
        let list = JSON.array(ids.map { .integer(Int($0)) })
        let output: JSON = arguments.has("--json") ? ["token_ids": list] : list
        Console.write(output.text() + "\n")
    }
}

/// Tokens to text.
enum Detokenize {
    static let command = Command(
        name: "detokenize",
        summary: "Read {\"token_ids\": […]} from standard input and print the text.",
        positionals: ["MODEL"],
        sections: [
            (
                "Options",
                [
                    Option("--json", help: "print {\"text\": \"…\"} instead of the text"),
                    Option("--skip-special-tokens", help: "leave special tokens out"),
                ]
            )
        ]
    ) { arguments in
        let tokenizer = try ModelFiles(arguments.positionals[0]).tokenizer()
        let input = try JSON(parsing: try Console.input())
        let ids = (input["token_ids"]?.array ?? []).compactMap(\.integer).compactMap(Int32.init)
        guard let list = input["token_ids"]?.array, list.count == ids.count else {
            throw UsageError("standard input: expected {\"token_ids\": [whole numbers]}")
        }
        let text = try tokenizer.decode(
            ids, skipSpecialTokens: arguments.has("--skip-special-tokens"))
        let output: JSON = ["text": .string(text)]
        Console.write(arguments.has("--json") ? output.text() + "\n" : text)
    }
}

/// Messages to a prompt.
enum RenderChatTemplate {
    static let command = Command(
        name: "chat-template",
        summary: """
            Read messages from standard input and print the prompt that the template makes of them.

            The input is a list of messages, or {"messages": […], "tools": […],
            "add_generation_prompt": false, "continue_final_message": false,
            "chat_template_kwargs": {}}.
            """,
        positionals: ["MODEL"],
        sections: [
            ("Options", [Option("--json", help: "print {\"prompt\": \"…\"} instead of the text")])
        ]
    ) { arguments in
        let template = try ModelFiles(arguments.positionals[0]).chatTemplate()
        let input = try JSON(parsing: try Console.input())
        guard let messages = input.array.map(JSON.array) ?? input["messages"] else {
            throw UsageError("standard input: expected a list of messages, or {\"messages\": […]}")
        }
        let tools = input["tools"].flatMap { $0.isNull ? nil : $0 }
        let prompt = try template.render(
            messages: messages, tools: tools,
            addGenerationPrompt: try flag(input, "add_generation_prompt"),
            continuesFinalMessage: try flag(input, "continue_final_message"),
            keywords: try object(input, "chat_template_kwargs"))
        let output: JSON = ["prompt": .string(prompt.text)]
        Console.write(arguments.has("--json") ? output.text() + "\n" : prompt.text)
    }

    private static func flag(_ input: JSON, _ key: String) throws(UsageError) -> Bool {
        guard let value = input[key], !value.isNull else { return false }
        guard let flag = value.bool else {
            throw UsageError("standard input: \(key) is \(value.kind), expected true or false")
        }
        return flag
    }

    private static func object(_ input: JSON, _ key: String) throws(UsageError) -> JSONObject {
        guard let value = input[key], !value.isNull else { return JSONObject() }
        guard let object = value.object else {
            throw UsageError("standard input: \(key) is \(value.kind), expected an object")
        }
        return object
    }
}
