// How many tokens a request took and gave.

import TernJSON

/// The usage of a request, or of its first part.
struct Usage: Equatable {
    /// Tokens of all prompts; each counts once, however many choices it has.
    let promptTokens: Int
    /// Tokens generated for all choices, those that end a choice included.
    var completionTokens = 0

    /// The object as clients expect it.
    var json: JSON {
        [
            "prompt_tokens": .integer(promptTokens),
            "completion_tokens": .integer(completionTokens),
            "total_tokens": .integer(promptTokens + completionTokens),
        ]
    }
}
