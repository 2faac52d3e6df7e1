// A request of either endpoint once it has been read: what to generate and how to tell it. Nothing
// of JSON is left in it, nothing of the engine has begun.

import TernEngine
import TernText

/// What one request asks for.
struct GenerationCall: Sendable {
    /// The model as the client named it.
    var model: String
    /// One for each prompt, each with the same number of choices.
    var prompts: [GenerationRequest]
    /// What is to be told of the prompts.
    var wishes = PromptWishes()
    /// How calls of tools are written, where there can be some.
    var toolCalls: ToolCallFormat?
    /// Whether the reply is a stream.
    var streams = false
    /// Whether a stream ends with the usage.
    var includesUsage = false
    /// Whether every chunk of a stream tells the usage so far.
    var tellsUsageContinuously = false

    /// Choices of each prompt.
    var choicesPerPrompt: Int { prompts.first?.choices ?? 0 }
    /// Choices of the reply; choice c of prompt p has the index p * choicesPerPrompt + c.
    var choiceCount: Int { prompts.count * choicesPerPrompt }
    /// Tokens of all prompts.
    var promptTokens: Int { prompts.reduce(0) { $0 + $1.prompt.count } }
}
