// Prompt logprobs: how likely the model found each token of a prompt. The plan says which rows of a
// span are scored against which tokens, the result brings the scores, and the sequence keeps them
// until its first token is drawn. Texts and JSON are made of them elsewhere.

/// Which rows of a span are scored.
///
/// The row of a position tells how likely each token is at the next one, so the prompt's first token
/// has no score, and its last row draws instead.
public struct ScoringStep: Sendable, Equatable {
    /// The first row to score, counted in the span.
    public let firstRow: Int
    /// The prompt's token after each scored row; never empty.
    public let targets: [TokenID]
    /// The number of best tokens reported with each.
    public let top: Int

    /// Describes neighbouring rows.
    public init(firstRow: Int, targets: [TokenID], top: Int) {
        self.firstRow = firstRow
        self.targets = targets
        self.top = top
    }

    /// The rows, counted in the span.
    public var rows: Range<Int> { firstRow..<firstRow + targets.count }
}

/// How likely the model found a token of a prompt.
public struct ScoredToken: Sendable, Equatable {
    /// The token.
    public let token: TokenID
    /// The natural logarithm of its probability.
    public let logprob: Float
    /// Its place among all tokens by probability, from 1; of equals the last.
    public let rank: Int
    /// The most probable tokens, best first, as many as were asked for.
    public let top: [TokenLogprob]

    /// Makes a score.
    public init(token: TokenID, logprob: Float, rank: Int, top: [TokenLogprob]) {
        self.token = token
        self.logprob = logprob
        self.rank = rank
        self.top = top
    }
}

/// The scores of one span.
public struct SequenceScores: Sendable, Equatable {
    /// The sequence of the span.
    public let sequence: SequenceID
    /// One for each target of the span's scoring step.
    public let tokens: [ScoredToken]

    /// Makes the scores of a span.
    public init(sequence: SequenceID, tokens: [ScoredToken]) {
        self.sequence = sequence
        self.tokens = tokens
    }
}

extension Sequence {
    /// Tokens of the prompt that are to be scored.
    var scoresWanted: Int { parameters.promptLogprobs == nil ? 0 : prompt.count - 1 }

    /// Whether tokens of the prompt are still to be scored.
    var needsScores: Bool { scores.count < scoresWanted }

    /// The most tokens that may be taken from the prefix cache: nobody computes the rows of those.
    var mostHitTokens: Int { needsScores ? scores.count : tokenCount - 1 }

    /// The most of the next `count` tokens that ask for no more than `rows` rows of logits.
    func spanLength(_ count: Int, rows: Int) -> Int {
        guard needsScores else { return count }
        return min(count, max(0, scores.count - scheduledCount) + rows)
    }

    /// What of a range of positions is to be scored.
    func scoringStep(in range: Range<Int>) -> ScoringStep? {
        guard let top = parameters.promptLogprobs, needsScores else { return nil }
        let first = max(range.lowerBound, scores.count)
        let end = min(range.upperBound, scoresWanted)
        guard first < end else { return nil }
        return ScoringStep(
            firstRow: first - range.lowerBound, targets: Array(prompt[first + 1...end]), top: top)
    }
}
