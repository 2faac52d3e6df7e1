// Station 10, on the output rank: a row of logits and the parameters that travelled in the plan
// become a token, or tell how likely a known token was. Logprobs are of the model's own logits,
// before temperature, penalties and masks.

import Glibc
import TernPlanning

/// Draws tokens. Holds scratch memory, no state between draws but what spares work.
///
/// Thread: the rank's.
struct Sampler {
    private var candidates: [Candidate] = []
    private var weights: [Double]
    private var adjuster: LogitAdjuster
    private var adjusted: [Float]

    /// A token in question, with its logit.
    struct Candidate {
        let token: Int32
        let logit: Float

        /// The order of preference: the higher logit, then the lower id.
        func precedes(_ other: Candidate) -> Bool {
            logit > other.logit || (logit == other.logit && token < other.token)
        }
    }

    init(vocabularySize: Int, grammars: GrammarStore? = nil) {
        weights = Array(repeating: 0, count: vocabularySize)
        adjusted = Array(repeating: 0, count: vocabularySize)
        adjuster = LogitAdjuster(vocabularySize: vocabularySize, grammars: grammars)
    }

    /// Draws one token.
    ///
    /// Shape: `logits [vocabulary]`.
    mutating func draw(
        _ logits: UnsafeMutableBufferPointer<Float>, _ step: SamplingStep, for sequence: SequenceID
    ) -> SampledToken {
        let parameters = step.parameters
        var top: [TokenLogprob] = []
        var normalizer = 0.0
        if let count = parameters.logprobs {
            normalizer = Self.logSumExp(logits)
            top = best(count, of: logits, normalizer)
        }
        let token =
            LogitAdjuster.isIdle(step)
            ? choose(logits, step) : chooseAdjusted(logits, step, of: sequence)
        let logprob = Float(Double(logits[token]) - normalizer)
        return SampledToken(
            sequence: sequence, token: TokenID(token),
            logprob: parameters.logprobs == nil ? nil : logprob, top: top)
    }

    /// Tells how likely a token was.
    ///
    /// Shape: `logits [vocabulary]`.
    mutating func score(
        _ logits: UnsafeMutableBufferPointer<Float>, _ token: TokenID, top: Int
    ) -> ScoredToken {
        let normalizer = Self.logSumExp(logits)
        let logit = logits[Int(token.rawValue)]
        return ScoredToken(
            token: token, logprob: Float(Double(logit) - normalizer),
            rank: logits.reduce(0) { $0 + ($1 >= logit ? 1 : 0) },
            top: best(top, of: logits, normalizer))
    }

    /// The best tokens, best first.
    private mutating func best(
        _ count: Int, of logits: UnsafeMutableBufferPointer<Float>, _ normalizer: Double
    ) -> [TokenLogprob] {
        select(count, from: logits)
        return candidates.map {
            TokenLogprob(token: TokenID($0.token), logprob: Float(Double($0.logit) - normalizer))
        }
    }

    private mutating func chooseAdjusted(
        _ logits: UnsafeMutableBufferPointer<Float>, _ step: SamplingStep,
        of sequence: SequenceID
    ) -> Int {
        // Taken out while it is in use, for `self` draws from it.
        var copy: [Float] = []
        swap(&copy, &adjusted)
        defer { swap(&copy, &adjusted) }
        return copy.withUnsafeMutableBufferPointer { copy in
            adjuster.adjust(logits, by: step, of: sequence, into: copy)
            return choose(copy, step)
        }
    }

    private mutating func choose(
        _ logits: UnsafeMutableBufferPointer<Float>, _ step: SamplingStep
    ) -> Int {
        let parameters = step.parameters
        let best = Self.best(logits)
        guard parameters.temperature > 0 else { return best }
        let uniform = CounterRandom.uniform(
            seed: parameters.seed, choice: step.choice, position: step.position)
        weigh(logits, highest: logits[best], parameters)
        let restricted = parameters.topP < 1 || (1..<logits.count).contains(parameters.topK)
        let drawn =
            restricted ? drawRestricted(logits, parameters, uniform) : drawFromAll(uniform)
        return drawn ?? best
    }

    /// Sets each token's weight: its probability but for a common factor, 0 below `minP`.
    private mutating func weigh(
        _ logits: UnsafeMutableBufferPointer<Float>, highest: Float,
        _ parameters: SamplingParameters
    ) {
        let temperature = Double(parameters.temperature)
        let least = Double(parameters.minP)
        for index in 0..<logits.count {
            let weight = exp((Double(logits[index]) - Double(highest)) / temperature)
            weights[index] = weight >= least && weight.isFinite ? weight : 0
        }
    }

    /// Inverse transform sampling over the whole vocabulary, in the order of ids.
    private func drawFromAll(_ uniform: Double) -> Int? {
        var remaining = uniform * weights.reduce(0, +)
        var last: Int?
        for (index, weight) in weights.enumerated() where weight > 0 {
            last = index
            remaining -= weight
            if remaining < 0 { return index }
        }
        return last
    }

    /// Inverse transform sampling over the best tokens, in the order of preference.
    ///
    /// `topK` keeps a number of tokens, then `topP` the fewest whose weights reach its share of
    /// what `topK` kept.
    private mutating func drawRestricted(
        _ logits: UnsafeMutableBufferPointer<Float>, _ parameters: SamplingParameters,
        _ uniform: Double
    ) -> Int? {
        let isLimited = (1..<logits.count).contains(parameters.topK)
        var count = isLimited ? parameters.topK : min(256, logits.count)
        select(count, from: logits)
        let total = isLimited ? candidateWeight : weights.reduce(0, +)
        let share = Double(parameters.topP) * total
        while !isLimited && count < logits.count && candidateWeight < share {
            count = min(count * 8, logits.count)
            select(count, from: logits)
        }
        var kept = 0.0
        var keptCount = 0
        for candidate in candidates {
            if keptCount > 0 && kept >= share { break }
            kept += weights[Int(candidate.token)]
            keptCount += 1
        }
        var remaining = uniform * kept
        for candidate in candidates.prefix(keptCount) {
            remaining -= weights[Int(candidate.token)]
            if remaining < 0 { return Int(candidate.token) }
        }
        return candidates.first.map { Int($0.token) }
    }

    private var candidateWeight: Double {
        candidates.reduce(0) { $0 + weights[Int($1.token)] }
    }

    /// Makes `candidates` the `count` best tokens, best first: a heap of the best so far whose
    /// root is the worst of them.
    private mutating func select(_ count: Int, from logits: UnsafeMutableBufferPointer<Float>) {
        candidates.removeAll(keepingCapacity: true)
        let count = min(count, logits.count)
        guard count > 0 else { return }
        for index in 0..<logits.count {
            let candidate = Candidate(token: Int32(index), logit: logits[index])
            if candidates.count < count {
                candidates.append(candidate)
                if candidates.count == count {
                    for root in stride(from: count / 2, through: 0, by: -1) { sink(root) }
                }
            } else if candidate.precedes(candidates[0]) {
                candidates[0] = candidate
                sink(0)
            }
        }
        candidates.sort { $0.precedes($1) }
    }

    private mutating func sink(_ start: Int) {
        var root = start
        while true {
            let left = 2 * root + 1
            guard left < candidates.count else { return }
            let right = left + 1
            let worst =
                right < candidates.count && candidates[left].precedes(candidates[right])
                ? right : left
            guard candidates[root].precedes(candidates[worst]) else { return }
            candidates.swapAt(root, worst)
            root = worst
        }
    }

    /// The highest logit's index, the lower one of equals.
    private static func best(_ logits: UnsafeMutableBufferPointer<Float>) -> Int {
        var best = 0
        for index in 1..<max(1, logits.count) where logits[index] > logits[best] { best = index }
        return best
    }

    private static func logSumExp(_ logits: UnsafeMutableBufferPointer<Float>) -> Double {
        let highest = Double(logits[best(logits)])
        return highest + log(logits.reduce(0.0) { $0 + exp(Double($1) - highest) })
    }
}
