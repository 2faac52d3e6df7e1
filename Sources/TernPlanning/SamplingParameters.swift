// How one sequence's tokens are drawn and when it ends: the part of a request that travels in
// every plan to the sampler. Stop strings are not here, for they are text: the engine watches
// them and ends the sequence itself.

/// How tokens are drawn and when a sequence ends. The defaults are vLLM's.
public struct SamplingParameters: Sendable, Equatable {
    /// Divides the logits; 0 means the most probable token, ties to the lower id.
    public var temperature: Float
    /// Keeps the smallest set of most probable tokens whose probabilities reach this sum.
    public var topP: Float
    /// Keeps this many most probable tokens; 0 keeps all.
    public var topK: Int
    /// Keeps tokens at least this probable, relative to the most probable one.
    public var minP: Float
    /// The key of the counter-based random numbers; the engine draws one if the user gave none.
    public var seed: UInt64
    /// The number of top alternatives reported with each token; nil reports no logprobs at all.
    public var logprobs: Int?
    /// The same for each token of the prompt; nil reports none.
    public var promptLogprobs: Int?
    /// What is changed of the logits before a token is drawn.
    public var adjustments: LogitAdjustments {
        get { boxedAdjustments?.value ?? LogitAdjustments() }
        set { boxedAdjustments = newValue.isNeutral ? nil : Box(newValue) }
    }
    /// Behind a reference, and nil where they are neutral: parameters are copied in every plan for
    /// every sequence, and most adjust nothing.
    private var boxedAdjustments: Box?
    /// The most tokens to generate.
    public var maxTokens: Int
    /// No end-of-sequence or stop token is drawn before this many tokens.
    public var minTokens: Int
    /// Treats end-of-sequence tokens as any other token.
    public var ignoreEOS: Bool
    /// Tokens of the request that end the sequence, whatever `ignoreEOS` says.
    public var stopTokenIDs: [TokenID]
    /// The model's own end-of-sequence tokens.
    public var endOfSequenceIDs: [TokenID]

    /// Makes parameters; only the seed has no default.
    public init(
        temperature: Float = 1, topP: Float = 1, topK: Int = 0, minP: Float = 0, seed: UInt64,
        logprobs: Int? = nil, promptLogprobs: Int? = nil,
        adjustments: LogitAdjustments = LogitAdjustments(), maxTokens: Int = 16,
        minTokens: Int = 0, ignoreEOS: Bool = false, stopTokenIDs: [TokenID] = [],
        endOfSequenceIDs: [TokenID] = []
    ) {
        self.temperature = temperature
        self.topP = topP
        self.topK = topK
        self.minP = minP
        self.seed = seed
        self.logprobs = logprobs
        self.promptLogprobs = promptLogprobs
        self.maxTokens = maxTokens
        self.minTokens = minTokens
        self.ignoreEOS = ignoreEOS
        self.stopTokenIDs = stopTokenIDs
        self.endOfSequenceIDs = endOfSequenceIDs
        self.adjustments = adjustments
    }

    /// A value that copies share.
    private final class Box: Sendable, Equatable {
        let value: LogitAdjustments

        init(_ value: LogitAdjustments) { self.value = value }

        static func == (one: Box, other: Box) -> Bool { one.value == other.value }
    }

    /// Whether the logits are adjusted at all. Cost: constant.
    public var adjusts: Bool { boxedAdjustments != nil }

    /// The tokens that end the sequence, once `minTokens` is reached; until then the sampler masks
    /// them.
    public var endingIDs: [TokenID] {
        ignoreEOS ? stopTokenIDs : stopTokenIDs + endOfSequenceIDs
    }

    /// Whether drawing this token ends the sequence, once `minTokens` is reached.
    public func stops(at token: TokenID) -> Bool {
        stopTokenIDs.contains(token) || !ignoreEOS && endOfSequenceIDs.contains(token)
    }

    /// Checks each field against its range.
    ///
    /// Throws: the first field out of range, by its name in requests.
    public func validate() throws(ParameterError) {
        try require(
            temperature >= 0 && temperature.isFinite, "temperature", temperature,
            "a finite number of at least 0")
        try require(topP > 0 && topP <= 1, "top_p", topP, "above 0 and at most 1")
        try require(topK >= 0, "top_k", topK, "at least 1, or 0 for all tokens")
        try require(minP >= 0 && minP <= 1, "min_p", minP, "from 0 to 1")
        if let logprobs {
            try require(logprobs >= 0, "logprobs", logprobs, "at least 0")
        }
        if let promptLogprobs {
            try require(promptLogprobs >= 0, "prompt_logprobs", promptLogprobs, "at least 0")
        }
        try adjustments.validate()
        try require(maxTokens >= 1, "max_tokens", maxTokens, "at least 1")
        try require(
            minTokens >= 0 && minTokens <= maxTokens, "min_tokens", minTokens,
            "from 0 to max_tokens, which is \(maxTokens)")
    }
}
