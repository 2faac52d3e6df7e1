// The messages of a chat request, in the form that templates expect: contents are strings. What
// the messages become is the template's business; roles are whatever it takes.

import TernJSON

/// A checked conversation.
struct Conversation: Sendable {
    /// A list of objects, each with a role and a content that is a string (or null beside tool
    /// calls); other members are as the client sent them.
    let messages: JSON
    let addsGenerationPrompt: Bool
    /// Whether the model goes on with the last message in place of answering it.
    let continuesFinalMessage: Bool
    /// `chat_template_kwargs`.
    let templateArguments: JSONObject
    /// Bytes of all contents.
    let contentBytes: Int

    init(_ fields: RequestFields) throws(APIError) {
        guard let list = fields["messages"]?.array, !list.isEmpty else {
            throw .field(
                "messages", found: fields["messages"]?.shortText ?? "nothing",
                expected: "a list of at least one message")
        }
        var checked: [JSON] = []
        var bytes = 0
        for (index, message) in list.enumerated() {
            let message = try Conversation.checked(message, "messages[\(index)]")
            bytes += message["content"]?.string?.utf8.count ?? 0
            checked.append(.object(message))
        }
        messages = .array(checked)
        contentBytes = bytes
        continuesFinalMessage = try fields.bool("continue_final_message") ?? false
        addsGenerationPrompt =
            try fields.bool("add_generation_prompt") ?? !continuesFinalMessage
        guard !(continuesFinalMessage && addsGenerationPrompt) else {
            throw .field(
                "continue_final_message", found: "true with add_generation_prompt true",
                expected: "one of the two, for they exclude each other")
        }
        templateArguments = try fields.object("chat_template_kwargs") ?? JSONObject()
        if try fields.bool("add_special_tokens") ?? false {
            throw .field(
                "add_special_tokens", found: "true",
                expected: "false, for the chat template adds them")
        }
    }

    private static func checked(_ value: JSON, _ place: String) throws(APIError) -> JSONObject {
        guard var message = value.object else {
            throw .field(place, found: value.shortText, expected: "an object")
        }
        guard let role = message["role"]?.string, !role.isEmpty else {
            throw .field(
                place + ".role", found: message["role"]?.shortText ?? "nothing",
                expected: "a role, such as user")
        }
        switch message["content"] ?? .null {
        case .string: break
        case .array(let parts):
            message["content"] = .string(try text(of: parts, place + ".content"))
        case .null:
            // An assistant that called tools may have said nothing.
            guard role == "assistant" else {
                throw .field(
                    place + ".content", found: "nothing", expected: "a string or text parts")
            }
            if message["tool_calls"]?.array?.isEmpty ?? true { message["content"] = "" }
        case .bool, .integer, .number, .object:
            throw .field(
                place + ".content", found: message["content"]?.kind ?? "nothing",
                expected: "a string or a list of text parts")
        }
        return message
    }

    private static func text(of parts: [JSON], _ place: String) throws(APIError) -> String {
        var texts: [String] = []
        for (index, part) in parts.enumerated() {
            guard let text = part.string ?? (part["type"] == "text" ? part["text"]?.string : nil)
            else {
                throw .field(
                    "\(place)[\(index)]",
                    found: (part["type"] ?? part).shortText,
                    expected: "an object with type \"text\" and a text")
            }
            texts.append(text)
        }
        return texts.joined(separator: "\n")
    }
}
