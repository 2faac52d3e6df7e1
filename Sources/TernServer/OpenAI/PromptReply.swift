// What a reply tells of a prompt: its text again, where `echo` asks for it, and how likely the model
// found its tokens. The scores come from the engine with the first token of the first choice.

import TernEngine
import TernPlanning

/// What is asked to be told of a request's prompts.
struct PromptWishes: Sendable {
    /// The prompts' texts where they are told again, before each choice's own; one for each prompt.
    var echoes: [String]?
    /// The number of alternatives in `prompt_logprobs`; nil tells none.
    var logprobs: Int?
    /// Whether nothing but the prompt is told: max_tokens was 0.
    var endsThere = false
}

/// What is told of one prompt.
struct PromptReply: Sendable {
    let tokens: [TokenID]
    /// The prompt's text, where it is told again.
    let echo: String?
    /// The number of alternatives told with the text's tokens.
    let echoLogprobs: Int
    /// The number of alternatives in `prompt_logprobs`; nil tells none.
    let logprobs: Int?
    /// From the second token on, as soon as the engine has told them.
    var scores: [ScoredToken] = []
}

extension GenerationCall {
    /// What is told of each prompt, before anything is known of it.
    var promptReplies: [PromptReply] {
        prompts.enumerated().map { index, request in
            PromptReply(
                tokens: request.prompt, echo: wishes.echoes?[index],
                echoLogprobs: request.parameters.logprobs ?? 0, logprobs: wishes.logprobs)
        }
    }
}
