// One choice of one request on its way through the scheduler: the tokens it has, how many of them
// are in the KV cache, and the blocks that hold them. The scheduler alone moves it on; it holds no
// text and no stream, which are the engine's.

/// A prompt and what was generated after it.
public struct Sequence: Sendable, Equatable {
    /// Where a sequence stands in the scheduler.
    public enum State: Sendable, Equatable {
        /// In the queue, without blocks.
        case waiting
        /// Holds blocks and a place in each plan that has a token for it.
        case running
        /// Ended while plans in flight still use its blocks; it leaves when they commit.
        case leaving(FinishReason)
    }

    /// The sequence's name, unique in its scheduler.
    public let id: SequenceID
    /// The tokens of the request; never empty.
    public let prompt: [TokenID]
    /// The index among the choices (`n`) of the request.
    public let choice: Int
    /// How its tokens are drawn and when it ends.
    public let parameters: SamplingParameters
    /// Separates tenants: sequences with different salts share no cached prefix.
    public let cacheSalt: String?

    /// The prompt's scores so far, from its second token on, where the parameters ask for them.
    public internal(set) var scores: [ScoredToken] = []
    /// The tokens drawn so far.
    public internal(set) var generated: [TokenID] = []
    /// The blocks that hold its keys and values, in order of position.
    public internal(set) var blockTable: [BlockID] = []
    /// Tokens whose keys and values are in the cache, from position 0.
    public internal(set) var computedCount = 0
    /// Tokens that are computed or in a plan in flight, from position 0.
    public internal(set) var scheduledCount = 0
    /// Plans in flight that hold a span of it.
    public internal(set) var plansInFlight = 0
    /// How often its blocks were taken from it.
    public internal(set) var preemptions = 0
    /// Where it stands in the scheduler.
    public internal(set) var state = State.waiting

    /// Its place in the order of arrival, which the scheduler gives.
    var arrival: UInt64 = 0
    /// Its place in the order of first admissions; nil before.
    var turn: UInt64?
    /// The older sequence that computes the beginning of this prompt, until this one is admitted.
    var leader: PromptLeader?
    /// Where ranks ended with it in flight, as a number of computed tokens that it has not passed
    /// since; see `Scheduler.restart`.
    var probation: Int?
    /// The cached prefix that ends with its last full computed block.
    var prefix: PrefixCache.Prefix

    /// Makes a sequence that waits for its first step.
    public init(
        id: SequenceID, prompt: [TokenID], choice: Int = 0, parameters: SamplingParameters,
        cacheSalt: String? = nil
    ) {
        self.id = id
        self.prompt = prompt
        self.choice = choice
        self.parameters = parameters
        self.cacheSalt = cacheSalt
        prefix = .root(salt: cacheSalt)
    }

    /// All known tokens: the prompt and what was generated.
    public var tokenCount: Int { prompt.count + generated.count }

    /// Known tokens that are in no plan yet; 0 while the next token is being drawn.
    public var unscheduledCount: Int { tokenCount - scheduledCount }

    /// Whether a plan can go on with it now.
    var isRunnable: Bool { state == .running && unscheduledCount > 0 }

    /// Whether it ended and nothing in flight uses its blocks any more.
    var isGone: Bool {
        if case .leaving = state { plansInFlight == 0 } else { false }
    }

    /// Whether its next token must not end it, for it has too few.
    var forbidsStop: Bool { generated.count < parameters.minTokens }

    /// How its next token is drawn.
    var samplingStep: SamplingStep {
        SamplingStep(
            parameters: parameters, choice: choice, position: generated.count,
            forbidsStop: forbidsStop, history: history)
    }

    /// What its adjustments look back at. Cost: constant; storage is shared.
    private var history: TokenHistory? {
        guard parameters.adjusts else { return nil }
        let adjustments = parameters.adjustments
        guard adjustments.looksBack else { return nil }
        return TokenHistory(
            prompt: adjustments.repetitionPenalty == 1 ? [] : prompt, generated: generated)
    }

    /// The known tokens at a range of positions.
    ///
    /// Cost: one array of the range's length.
    public func tokens(in range: Range<Int>) -> [TokenID] {
        let split = prompt.count
        if range.upperBound <= split { return Array(prompt[range]) }
        if range.lowerBound >= split {
            return Array(generated[range.lowerBound - split..<range.upperBound - split])
        }
        return Array(prompt[range.lowerBound...]) + generated[..<(range.upperBound - split)]
    }
}
