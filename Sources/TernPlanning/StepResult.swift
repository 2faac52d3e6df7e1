// What one step gave: the tokens drawn and the prompts scored for the spans of one plan. It comes from the
// output rank and goes to the scheduler; hidden states and logits never travel with it.

/// A token with the natural logarithm of its probability under the model's own distribution.
public struct TokenLogprob: Sendable, Equatable {
    /// The token.
    public let token: TokenID
    /// The natural logarithm of its probability, before temperature and masks.
    public let logprob: Float

    /// Pairs a token with its logprob.
    public init(token: TokenID, logprob: Float) {
        self.token = token
        self.logprob = logprob
    }
}

/// The token drawn for one sequence.
public struct SampledToken: Sendable, Equatable {
    /// The sequence it was drawn for.
    public let sequence: SequenceID
    /// The token.
    public let token: TokenID
    /// Its logprob, where the parameters ask for logprobs.
    public let logprob: Float?
    /// The most probable tokens, best first, as many as the parameters ask for.
    public let top: [TokenLogprob]

    /// Makes a drawn token, by default without logprobs.
    public init(
        sequence: SequenceID, token: TokenID, logprob: Float? = nil, top: [TokenLogprob] = []
    ) {
        self.sequence = sequence
        self.token = token
        self.logprob = logprob
        self.top = top
    }
}

/// What one step gave.
public struct StepResult: Sendable, Equatable {
    /// The number of the plan.
    public let number: UInt64
    /// One token for each sampling span of the plan, in the plan's order.
    public let samples: [SampledToken]
    /// The scores of each scoring span of the plan, in the plan's order.
    public let scores: [SequenceScores]

    /// Makes the result of a plan.
    public init(number: UInt64, samples: [SampledToken], scores: [SequenceScores] = []) {
        self.number = number
        self.samples = samples
        self.scores = scores
    }
}

/// What a committed step means for one sequence.
public struct SequenceProgress: Sendable, Equatable {
    /// The sequence.
    public let id: SequenceID
    /// The token that was drawn.
    public let sample: SampledToken
    /// Why the sequence ended with this token; nil while it goes on.
    public let finish: FinishReason?
    /// With the first token, where the parameters ask for it: the prompt's scores, from its second
    /// token on.
    public let promptScores: [ScoredToken]?

    /// Makes a progress report.
    public init(
        id: SequenceID, sample: SampledToken, finish: FinishReason?,
        promptScores: [ScoredToken]? = nil
    ) {
        self.id = id
        self.sample = sample
        self.finish = finish
        self.promptScores = promptScores
    }
}
