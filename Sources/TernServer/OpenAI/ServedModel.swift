// The model as requests see it: its names, and its text side with the bounds and errors that
// clients are to meet. Station 2 of the walk is called from here.

import TernJSON
import TernPlanning

/// The one model that the server serves.
struct ServedModel: Sendable {
    let generator: any Generator
    let names: [String]
    /// No prompt that fits the context has more bytes than this.
    let longestPromptBytes: Int

    /// Cost: reads the bytes of every token of the vocabulary, once.
    init(_ generator: any Generator, names: [String]) {
        self.generator = generator
        self.names = names
        let longestToken = (0..<generator.vocabularySize).reduce(1) {
            max($0, generator.bytes(of: TokenID($1)).count)
        }
        // Composing (NFC) makes of three bytes one at the most.
        longestPromptBytes = 3 * longestToken * generator.maxModelLength
    }

    /// The name by which the request calls the model; the first one if it calls none.
    func name(in fields: RequestFields) throws(APIError) -> String {
        guard let name = try fields.string("model") else { return names.first ?? "" }
        guard names.contains(where: { $0.utf8.elementsEqual(name.utf8) }) else {
            throw APIError(
                .notFound, "The model `\(name.prefix(100))` does not exist.", parameter: "model",
                code: "model_not_found")
        }
        return name
    }

    /// The tokens of a prompt's text. What is too long in any case is refused before it costs.
    func tokens(
        of text: String, addSpecialTokens: Bool, field: String
    ) throws(APIError) -> [TokenID] {
        try checkLength(text.utf8.count, field: field)
        do {
            return try generator.tokens(of: text, addSpecialTokens: addSpecialTokens)
        } catch {
            throw APIError(
                .badRequest, "\(field): \(error)", parameter: field, code: "invalid_value")
        }
    }

    /// The tokens of a conversation.
    func tokens(
        of conversation: Conversation, tools: JSON? = nil
    ) throws(APIError) -> [TokenID] {
        try checkLength(
            conversation.contentBytes + (tools?.text().utf8.count ?? 0), field: "messages")
        do {
            return try generator.chatPrompt(
                messages: conversation.messages, tools: tools,
                addGenerationPrompt: conversation.addsGenerationPrompt,
                continuesFinalMessage: conversation.continuesFinalMessage,
                kwargs: conversation.templateArguments)
        } catch {
            throw APIError(
                .badRequest, "messages: \(error)", parameter: "messages", code: "invalid_value")
        }
    }

    private func checkLength(_ bytes: Int, field: String) throws(APIError) {
        guard bytes <= longestPromptBytes else {
            throw APIError(
                .badRequest,
                "This model's maximum context length is \(generator.maxModelLength) tokens. "
                    + "However, your \(field) has \(bytes) bytes, and no text of more than "
                    + "\(longestPromptBytes) bytes can fit.",
                parameter: field, code: "context_length_exceeded")
        }
    }
}
