// Between stations 9 and 10: what a request asks to be changed of the model's logits, done to a copy
// of them, in a fixed order. It draws nothing; what it remembers between draws changes none.
//
// Source: the order is that of vLLM's sampler (docs.vllm.ai, vllm.v1.sample.sampler): allowed ids, the
// grammar, bad words, minimum of tokens, bias, then the penalties; the repetition penalty is CTRL's (Keskar et
// al., 2019, section 4.1), the others are OpenAI's (API reference, "Frequency and presence penalties").

import TernPlanning

/// Applies the adjustments of one draw.
///
/// Thread: the rank's.
struct LogitAdjuster {
    /// Of the history in question: how often each token was generated, or `inPromptOnly`. All 0
    /// between draws.
    private var counts: [Int32]
    /// The tokens whose count is not 0, each once.
    private var seen: [Int] = []
    private var grammars: GrammarFollower?

    private static let inPromptOnly: Int32 = -1

    init(vocabularySize: Int, grammars: GrammarStore? = nil) {
        counts = Array(repeating: 0, count: vocabularySize)
        self.grammars = grammars.map { GrammarFollower($0) }
    }

    /// Whether a draw is from the model's own logits.
    static func isIdle(_ step: SamplingStep) -> Bool {
        !step.parameters.adjusts && !step.forbidsStop
    }

    /// Writes adjusted logits.
    ///
    /// Where masks leave no token at all, those of words and stops give way, then the allowed ids:
    /// the grammar never does.
    /// Cost: a few passes over the vocabulary, one over the history.
    mutating func adjust(
        _ logits: UnsafeMutableBufferPointer<Float>, by step: SamplingStep,
        of sequence: SequenceID, into adjusted: UnsafeMutableBufferPointer<Float>
    ) {
        let adjustments = step.parameters.adjustments
        let generated = step.history?.generated ?? []
        let grammar = adjustments.grammar.map { follow($0, generated, sequence) }
        let ends = step.parameters.endOfSequenceIDs + step.parameters.stopTokenIDs
        func allow(_ tokens: [TokenID]?) {
            Self.allow(tokens, of: logits, in: adjusted)
            if let grammar { Self.keep(to: grammar, ends: ends, in: adjusted) }
        }
        func isEmpty() -> Bool { !adjusted.contains { $0 > -.infinity } }
        allow(adjustments.allowedTokenIDs)
        Self.maskWords(adjustments.badWords, after: generated, in: adjusted)
        if step.forbidsStop { Self.mask(step.parameters.endingIDs, in: adjusted) }
        if isEmpty() { allow(adjustments.allowedTokenIDs) }
        if isEmpty() { allow(nil) }
        for (token, bias) in adjustments.logitBias { adjusted[Int(token.rawValue)] += bias }
        if let history = step.history, adjustments.penalizes {
            penalize(history, adjustments, in: adjusted)
        }
    }

    private mutating func follow(
        _ grammar: GrammarSource, _ generated: [TokenID], _ sequence: SequenceID
    ) -> GrammarMask {
        guard let mask = grammars?.mask(grammar, after: generated, of: sequence) else {
            preconditionFailure("a grammar, and no tokens to keep to it")
        }
        return mask
    }

    /// Masks what a grammar does not let pass. Tokens that end a text pass where it may end, and as
    /// text where they are text.
    private static func keep(
        to grammar: GrammarMask, ends: [TokenID],
        in adjusted: UnsafeMutableBufferPointer<Float>
    ) {
        let kept = ends.filter { grammar.mayEnd && adjusted.indices.contains(Int($0.rawValue)) }
            .map { (Int($0.rawValue), adjusted[Int($0.rawValue)]) }
        for (index, word) in grammar.tokens.enumerated() where word != .max {
            for token in index * 64..<min(index * 64 + 64, adjusted.count)
            where word >> UInt64(token & 63) & 1 == 0 {
                adjusted[token] = -.infinity
            }
        }
        for (token, logit) in kept { adjusted[token] = logit }
    }

    /// Copies the logits of the allowed tokens and masks the rest.
    private static func allow(
        _ tokens: [TokenID]?, of logits: UnsafeMutableBufferPointer<Float>,
        in adjusted: UnsafeMutableBufferPointer<Float>
    ) {
        guard let tokens else {
            _ = adjusted.update(fromContentsOf: logits)
            return
        }
        adjusted.update(repeating: -.infinity)
        for token in tokens { adjusted[Int(token.rawValue)] = logits[Int(token.rawValue)] }
    }

    /// Masks the last token of each word whose other tokens were generated last.
    private static func maskWords(
        _ words: [[TokenID]], after generated: [TokenID],
        in logits: UnsafeMutableBufferPointer<Float>
    ) {
        for word in words {
            let beginning = word.dropLast()
            if generated.suffix(beginning.count).elementsEqual(beginning) {
                mask(word.suffix(1), in: logits)
            }
        }
    }

    private static func mask(
        _ tokens: some Swift.Sequence<TokenID>, in logits: UnsafeMutableBufferPointer<Float>
    ) {
        for token in tokens where logits.indices.contains(Int(token.rawValue)) {
            logits[Int(token.rawValue)] = -.infinity
        }
    }

    private mutating func penalize(
        _ history: TokenHistory, _ adjustments: LogitAdjustments,
        in logits: UnsafeMutableBufferPointer<Float>
    ) {
        count(history)
        for index in seen {
            var logit = logits[index]
            let penalty = adjustments.repetitionPenalty
            logit = logit > 0 ? logit / penalty : logit * penalty
            if counts[index] > 0 {
                logit -= adjustments.frequencyPenalty * Float(counts[index])
                logit -= adjustments.presencePenalty
            }
            // Only masks take a token out: no penalty, however large, is one.
            if logits[index] > -.infinity {
                logit = min(max(logit, -.greatestFiniteMagnitude), .greatestFiniteMagnitude)
            }
            logits[index] = logit
            counts[index] = 0
        }
        seen.removeAll(keepingCapacity: true)
    }

    private mutating func count(_ history: TokenHistory) {
        for token in history.generated {
            let index = Int(token.rawValue)
            if counts[index] == 0 { seen.append(index) }
            counts[index] += 1
        }
        for token in history.prompt where counts[Int(token.rawValue)] == 0 {
            counts[Int(token.rawValue)] = Self.inPromptOnly
            seen.append(Int(token.rawValue))
        }
    }
}
