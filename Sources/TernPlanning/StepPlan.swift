// What one step computes: the value that walks from the scheduler through the executor to every
// rank. It can be logged, replayed, simulated and compared. It names blocks but moves no bytes;
// ids, positions and slots of the model's input are made from it at the next station.

/// How the token after a span is drawn.
public struct SamplingStep: Sendable, Equatable {
    /// The sequence's parameters.
    public let parameters: SamplingParameters
    /// The index among the choices of the request; feeds the random numbers.
    public let choice: Int
    /// The index of the token to be drawn, counted in generated tokens from 0; feeds the
    /// counter-based random numbers.
    public let position: Int
    /// While true, tokens at which the parameters stop must not be drawn.
    public let forbidsStop: Bool
    /// What the parameters' adjustments look back at; nil where they do not.
    public let history: TokenHistory?

    /// Makes the description of one draw.
    public init(
        parameters: SamplingParameters, choice: Int, position: Int, forbidsStop: Bool,
        history: TokenHistory? = nil
    ) {
        self.parameters = parameters
        self.choice = choice
        self.position = position
        self.forbidsStop = forbidsStop
        self.history = history
    }
}

/// Neighbouring tokens of one sequence that are computed in one step.
public struct SequenceSpan: Sendable, Equatable {
    /// The sequence they belong to.
    public let sequence: SequenceID
    /// The tokens to compute; never empty.
    public let tokens: [TokenID]
    /// The position of the first of them in the sequence.
    public let firstPosition: Int
    /// The sequence's blocks, which reach at least to the span's end.
    public let blockTable: [BlockID]
    /// Not nil if and only if the span ends with the last known token: then one is drawn.
    public let sampling: SamplingStep?
    /// Not nil where tokens of a prompt are scored.
    public let scoring: ScoringStep?

    /// Makes a span.
    public init(
        sequence: SequenceID, tokens: [TokenID], firstPosition: Int, blockTable: [BlockID],
        sampling: SamplingStep?, scoring: ScoringStep? = nil
    ) {
        self.sequence = sequence
        self.tokens = tokens
        self.firstPosition = firstPosition
        self.blockTable = blockTable
        self.sampling = sampling
        self.scoring = scoring
    }

    /// The positions that the span computes.
    public var positions: Range<Int> { firstPosition..<firstPosition + tokens.count }

    /// Rows of logits that it asks for: those that are scored, then the one that draws.
    public var logitRows: Int {
        // By pattern: a comparison with nil would copy the parameters.
        let draws = if case .none = sampling { 0 } else { 1 }
        return (scoring?.targets.count ?? 0) + draws
    }
}

/// What every rank does in one step.
public struct StepPlan: Sendable, Equatable {
    /// Counts the plans of one scheduler.
    public let number: UInt64
    /// How the ranks share it; chosen once it is known what all replicas plan.
    public internal(set) var mode: ParallelMode
    /// At most one span of each sequence, in order of arrival; none in a replica that only keeps
    /// step with others.
    public let spans: [SequenceSpan]

    /// Makes a plan.
    public init(number: UInt64, mode: ParallelMode = .tensor, spans: [SequenceSpan]) {
        self.number = number
        self.mode = mode
        self.spans = spans
    }

    /// The tokens that the step computes.
    ///
    /// Cost: linear in the number of spans.
    public var tokenCount: Int { spans.reduce(0) { $0 + $1.tokens.count } }
}
