// What `tern bench perplexity` found: how well a model foretells a text. The mean is taken over the
// tokens that counted; bits per byte compare models with different vocabularies.

import Glibc

/// The perplexity of one text under one model.
public struct PerplexityReport: Sendable, Equatable {
    /// Windows that the model computed.
    public let windows: Int
    /// Tokens that counted.
    public let scoredTokens: Int
    /// Tokens of the text, without those that the tokenizer adds.
    public let textTokens: Int
    /// Bytes of the text.
    public let textBytes: Int
    /// The negative natural logarithm of the probability of all tokens that counted.
    public let nats: Double

    /// A report of a text with at least one token that counted.
    public init(windows: Int, scoredTokens: Int, textTokens: Int, textBytes: Int, nats: Double) {
        precondition(scoredTokens > 0, "perplexity of 0 tokens, expected at least 1")
        self.windows = windows
        self.scoredTokens = scoredTokens
        self.textTokens = textTokens
        self.textBytes = textBytes
        self.nats = nats
    }

    /// The mean over the tokens that counted.
    public var natsPerToken: Double { nats / Double(scoredTokens) }
    /// How many equally likely tokens would be as hard to foretell.
    public var perplexity: Double { exp(natsPerToken) }
    /// Bits that the model needs for a byte of the text, tokens that did not count at the mean.
    public var bitsPerByte: Double {
        natsPerToken * Double(textTokens) / (Double(textBytes) * log(2))
    }
}
