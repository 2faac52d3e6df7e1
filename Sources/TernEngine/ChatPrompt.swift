// Station 2 for conversations: the model's template renders messages, the tokenizer encodes what it
// renders, and text that users wrote never becomes a control token.

import TernJSON
import TernPlanning
import TernText

/// A model's way from messages to tokens.
struct ChatPrompt: Sendable {
    private let template: Result<ModelChatTemplate, any Error>
    private let tokenizer: Tokenizer

    /// Reads the model's template, or the file given in its place. A model without a usable one
    /// can still complete prompts: what is wrong is said when a conversation comes.
    ///
    /// Throws: `ChatTemplateError` where the file given cannot be used.
    init(
        _ configuration: EngineConfiguration, _ files: ModelFiles, tokenizer: Tokenizer
    ) throws {
        self.tokenizer = tokenizer
        template = Result {
            try files.chatTemplate(replacement: configuration.chatTemplateFile)
        }
        if configuration.chatTemplateFile != nil { _ = try template.get() }
    }

    /// How the model writes the calls of tools.
    var toolCallFamily: ToolCallFamily {
        switch template {
        case .success(let template): template.toolCallFamily
        case .failure: .bare
        }
    }

    func tokens(
        messages: JSON, tools: JSON?, addGenerationPrompt: Bool, continuesFinalMessage: Bool,
        kwargs: JSONObject
    ) throws -> [TokenID] {
        let prompt = try template.get().render(
            messages: messages, tools: tools, addGenerationPrompt: addGenerationPrompt,
            continuesFinalMessage: continuesFinalMessage, keywords: kwargs)
        return try tokenizer.encode(segments: prompt.segments).map { TokenID($0) }
    }
}
