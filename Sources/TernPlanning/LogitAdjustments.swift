// What a request changes of the model's logits before its token is drawn: the part of the sampling
// parameters that looks at ids and at what was said before. Values only; the sampler applies them.

/// Penalties, biases and masks over the logits. The defaults change nothing.
///
/// Source: the names, the ranges and what they count are vLLM's (docs.vllm.ai, SamplingParams).
public struct LogitAdjustments: Sendable, Equatable {
    /// Divides positive logits and multiplies negative ones of tokens in prompt or output; 1 is
    /// neutral.
    public var repetitionPenalty: Float = 1
    /// Subtracted from the logits of tokens that were generated.
    public var presencePenalty: Float = 0
    /// Subtracted from a token's logit as often as it was generated.
    public var frequencyPenalty: Float = 0
    /// Added to the logits of these tokens.
    public var logitBias: [TokenID: Float] = [:]
    /// Sequences that must not be generated: the last token of one is masked where those before it
    /// are the last that were generated. None is empty.
    public var badWords: [[TokenID]] = []
    /// Where given, no other token is drawn.
    public var allowedTokenIDs: [TokenID]?
    /// Where given, the text is kept to this grammar, and ends only where the grammar lets it.
    public var grammar: GrammarSource?

    /// Changes nothing.
    public init() {}

    /// Whether they change nothing.
    public var isNeutral: Bool {
        !penalizes && logitBias.isEmpty && badWords.isEmpty && allowedTokenIDs == nil
            && grammar == nil
    }

    /// Whether they look at what was generated.
    public var looksBack: Bool { penalizes || !badWords.isEmpty || grammar != nil }

    /// Whether there are penalties.
    public var penalizes: Bool {
        repetitionPenalty != 1 || presencePenalty != 0 || frequencyPenalty != 0
    }

    /// Checks each field against its range; which ids there are is the model's knowledge.
    ///
    /// Throws: the first field out of range, by its name in requests.
    public func validate() throws(ParameterError) {
        try require(
            repetitionPenalty > 0 && repetitionPenalty.isFinite, "repetition_penalty",
            repetitionPenalty, "a finite number above 0; 1 changes nothing")
        for (name, penalty) in [
            ("presence_penalty", presencePenalty), ("frequency_penalty", frequencyPenalty),
        ] {
            try require(penalty >= -2 && penalty <= 2, name, penalty, "from -2 to 2")
        }
        for (token, bias) in logitBias.sorted(by: { $0.key < $1.key }) {
            try require(
                bias >= -100 && bias <= 100, "logit_bias", "\(bias) for token \(token)",
                "from -100 to 100")
        }
        try require(
            !badWords.contains([]), "bad_words", "a list with an empty word",
            "a list of words of at least one token each")
        try require(
            allowedTokenIDs?.isEmpty != true, "allowed_token_ids", "an empty list",
            "a list of at least one token")
    }

    /// The ids that requests name, by the names of their fields.
    public var namedTokens: [(field: String, tokens: [TokenID])] {
        [
            ("logit_bias", logitBias.keys.sorted()), ("bad_words", badWords.flatMap { $0 }),
            ("allowed_token_ids", allowedTokenIDs ?? []),
        ]
    }
}

/// What a sequence has said so far, as far as its adjustments ask for it.
///
/// It travels in the plan, so that the sampler remembers nothing: a draw that is computed again,
/// after a preemption or a restart, sees the same, and no sequence sees another's. The arrays are
/// the scheduler's own storage, shared and not copied.
public struct TokenHistory: Sendable, Equatable {
    /// The prompt; empty where the adjustments do not ask for it.
    public let prompt: [TokenID]
    /// What was generated.
    public let generated: [TokenID]

    /// A history.
    public init(prompt: [TokenID], generated: [TokenID]) {
        self.prompt = prompt
        self.generated = generated
    }
}
