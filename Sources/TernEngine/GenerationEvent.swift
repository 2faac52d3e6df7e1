// What the engine tells of a request, in order, as its choices grow.

import TernPlanning

/// A token that was generated.
public struct GeneratedToken: Sendable, Equatable {
    /// The token.
    public let token: TokenID
    /// Natural logarithm of its probability in the model's own distribution, where asked for.
    public let logprob: Float?
    /// The most probable tokens, best first, as many as were asked for.
    public let top: [TokenLogprob]
}

/// New output of one choice.
public struct GenerationOutput: Sendable, Equatable {
    /// The index of the choice.
    public let choice: Int
    /// Text that is complete now; it may be empty and lag behind the tokens.
    public let text: String
    /// The new tokens; a token that ends the choice is among them, and not in the text.
    public let tokens: [GeneratedToken]
    /// Why the choice ended, on its last output.
    public let finish: FinishReason?
    /// With the first token of the first choice, where asked for: how likely the model found each
    /// token of the prompt, from the second on.
    public var promptScores: [ScoredToken]?
}

/// What happened to a request.
public enum GenerationEvent: Sendable {
    /// A choice grew or ended.
    case output(GenerationOutput)
    /// The request ended as a whole; nothing follows.
    case failed(EngineError)
}
