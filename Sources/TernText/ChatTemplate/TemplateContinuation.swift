// Prompts that end inside the last message, for a model to go on with it: the message gets a mark
// at its end, the template renders it, and the prompt is cut where the mark stands. Templates that
// trim messages trim the cut too. Checked against transformers 5, `continue_final_message` in
// utils/chat_template_utils.py.

import TernJSON

/// A conversation whose last message is to be continued.
struct TemplateContinuation {
    /// The conversation, its last message marked at the end.
    let messages: JSON
    private let final: TemplateString

    private static let mark = "CONTINUE_FINAL_MESSAGE_TAG "

    /// Marks the last message of a conversation.
    ///
    /// Throws: `ChatTemplateError` where it has no text to go on with.
    init(_ messages: JSON) throws(ChatTemplateError) {
        guard var elements = messages.array, var message = elements.popLast()?.object else {
            throw Self.failure("there is no message; end the conversation with one")
        }
        let text: String
        switch message["content"] {
        case .string(let content):
            text = content
            message["content"] = .string(content + Self.mark)
        case .array(var parts):
            let last = parts.lastIndex { $0["text"] != nil }
            guard let last, var part = parts[last].object, let content = part["text"]?.string
            else { throw Self.failure("the last message has no part with text; give it one") }
            text = content
            part["text"] = .string(content + Self.mark)
            parts[last] = .object(part)
            message["content"] = .array(parts)
        default: throw Self.failure("the last message has no text in 'content'; give it some")
        }
        final = TemplateString(text)
        self.messages = .array(elements + [.object(message)])
    }

    /// The prompt up to the mark.
    ///
    /// Throws: `ChatTemplateError` where the template leaves the message out.
    func cut(_ pieces: [TemplateString]) throws(ChatTemplateError) -> TemplateString {
        var prompt = TemplateString([])
        for piece in pieces { prompt += piece }
        let mark = TemplateString(Self.mark)
        guard let end = prompt.lastOccurrence(of: mark.stripped()),
            !prompt.occurrences(of: final.stripped(), limit: 1).isEmpty
        else {
            throw Self.failure("the template changes or drops the last message; end it otherwise")
        }
        let keepsBlanks = prompt[end..<prompt.count].hasPrefix(mark)
        return keepsBlanks ? prompt[0..<end] : prompt[0..<end].stripped(.trailing)
    }

    private static func failure(_ reason: String) -> ChatTemplateError {
        ChatTemplateError(.conversation, "continue_final_message: \(reason)")
    }
}
