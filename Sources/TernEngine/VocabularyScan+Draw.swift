// Station 10: a token is drawn by the weights of a row and one random number, among all tokens, the best
// so many, or the fewest that reach a share. None of them sorts the vocabulary.

import TernTensor

extension VocabularyScan {
    /// The best tokens among which `topP` is looked for before all are.
    private static let usual = 256

    /// Draws by the weights. `topK` keeps a number of tokens (0: all), then `topP` the fewest whose
    /// weights reach its share of what `topK` kept. Nil where nothing weighs anything.
    mutating func draw(topK: Int, topP: Float, _ uniform: Double) -> Int? {
        if (1..<size).contains(topK) {
            select(topK)
            return drawFromCandidates(share: Double(topP) * candidateWeight, uniform)
        }
        let total = weightSum
        guard total > 0 else { return nil }
        guard topP < 1 else { return pick(uniform * total, atLeast: .leastNonzeroMagnitude) }
        let share = Double(topP) * total
        select(Self.usual)
        return candidates.count == size || candidateWeight >= share
            ? drawFromCandidates(share: share, uniform)
            : drawByThreshold(share: share, of: total, uniform)
    }

    private var candidateWeight: Double {
        weights.withElements(of: Float.self) { weights in
            candidates.reduce(0) { $0 + Double(weights[Int($1.token)]) }
        }
    }

    /// Inverse transform sampling over the first candidates that reach a share.
    private func drawFromCandidates(share: Double, _ uniform: Double) -> Int? {
        weights.withElements(of: Float.self) { weights in
            var kept = 0.0
            var keptCount = 0
            for candidate in candidates {
                if keptCount > 0 && kept >= share { break }
                kept += Double(weights[Int(candidate.token)])
                keptCount += 1
            }
            var remaining = uniform * kept
            for candidate in candidates.prefix(keptCount) {
                remaining -= Double(weights[Int(candidate.token)])
                if remaining < 0 { return Int(candidate.token) }
            }
            return candidates.first.map { Int($0.token) }
        }
    }

    /// Inverse transform sampling over the heaviest tokens that reach a share: all above a
    /// threshold, and of those that weigh just as much as many as are needed, the lower ids first.
    private mutating func drawByThreshold(
        share: Double, of total: Double, _ uniform: Double
    ) -> Int? {
        let threshold = threshold(reaching: share, of: total)
        sum(atLeast: threshold.nextUp)
        let above = weightSum
        let equals = max(1, ((share - above) / Double(threshold)).rounded(.up))
        let target = uniform * (above + equals * Double(threshold))
        guard target >= above else { return pick(target, atLeast: threshold.nextUp) }
        return tokenOf(weight: threshold, at: Int((target - above) / Double(threshold)))
    }

    /// The largest weight such that all tokens of at least that weight reach a share, by halving:
    /// sums of more tokens are never less, however they are rounded.
    private mutating func threshold(reaching share: Double, of total: Double) -> Float {
        // All that weigh less than an equal part of what may be left out may be left out.
        let spared = Float((total - share) / Double(size)) / 2
        var low = max(spared, .leastNonzeroMagnitude).bitPattern
        // The candidates do not reach it, so nor do those above the last of them.
        let last = candidates.last.map { Int($0.token) } ?? 0
        var high = weights.withElements(of: Float.self) { $0[last].nextUp.bitPattern }
        while low + 1 < high {
            let middle = low + (high - low) / 2
            sum(atLeast: Float(bitPattern: middle))
            if weightSum >= share { low = middle } else { high = middle }
        }
        return Float(bitPattern: low)
    }

    /// Inverse transform sampling, in the order of ids, over weights of at least `least`, of which
    /// the sums are.
    private func pick(_ target: Double, atLeast least: Float) -> Int? {
        sums.withElements(of: Float.self) { sums in
            var remaining = target
            var last: Int?
            for chunk in sums.indices where sums[chunk] > 0 {
                if remaining < Double(sums[chunk]) {
                    return pick(remaining, in: chunk, atLeast: least)
                }
                remaining -= Double(sums[chunk])
                last = chunk
            }
            // Sums are rounded.
            return last.flatMap { pick(.infinity, in: $0, atLeast: least) }
        }
    }

    private func pick(_ target: Double, in chunk: Int, atLeast least: Float) -> Int? {
        weights.withElements(of: Float.self) { weights in
            var remaining = target
            var last: Int?
            for index in Chunks.range(chunk, of: weights.count) where weights[index] >= least {
                last = index
                remaining -= Double(weights[index])
                if remaining < 0 { break }
            }
            return last
        }
    }

    /// The token at a place among those of a weight; the last where there are not so many.
    private func tokenOf(weight: Float, at place: Int) -> Int? {
        weights.withElements(of: Float.self) { weights in
            var passed = 0
            var last: Int?
            for index in weights.indices where weights[index] == weight {
                last = index
                if passed == place { break }
                passed += 1
            }
            return last
        }
    }
}
