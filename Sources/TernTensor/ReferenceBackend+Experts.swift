// The reference's mixtures of experts: which experts a token goes to, and the sum of what they
// gave. The products between the two are the ordinary ones.

import Glibc

extension ReferenceBackend {
    /// Scores with the exponential in float64, a softmax's sum in `rmsNorm`'s order; then the best.
    public func route(
        _ logits: Tensor, _ rule: RouterRule, into experts: Tensor, weights: Tensor
    ) {
        OpChecks.route(logits, rule, into: experts, weights: weights)
        for row in 0..<logits.shape[0] {
            let source = Array(
                UnsafeBufferPointer(start: logits.floats(row), count: logits.shape[1]))
            let scores = Self.scores(source, rule.scoring)
            var worth = rule.choosesByScores ? scores : source
            if let correction = rule.correction {
                for index in worth.indices { worth[index] += correction.floats(0)[index] }
            }
            let open = rule.groups.map { Self.open($0, worth) } ?? Array(worth.indices)
            let chosen = Self.best(experts.shape[1], of: open, by: worth).sorted()
            let sum = chosen.reduce(Float(0)) { $0 + scores[$1] } + RouterRule.leastSum
            for (slot, expert) in chosen.enumerated() {
                experts.row(row).storeBytes(
                    of: Int32(expert), toByteOffset: slot * 4, as: Int32.self)
                let score = rule.renormalizes ? scores[expert] / sum : scores[expert]
                weights.floats(row)[slot] = score * rule.factor
            }
        }
    }

    private static func scores(_ logits: [Float], _ scoring: RouterRule.Scoring) -> [Float] {
        switch scoring {
        case .softmax:
            let largest = logits.max() ?? 0
            let terms = logits.map { Float(exp(Double($0 - largest))) }
            var lanes = SIMD16<Float>(repeating: 0)
            for (index, term) in terms.enumerated() { lanes[index % 16] += term }
            let sum = halved(lanes)
            return terms.map { $0 / sum }
        case .sigmoid: return logits.map { Float(1 / (1 + exp(-Double($0)))) }
        }
    }

    /// The experts of the best groups.
    private static func open(_ groups: RouterRule.Groups, _ worth: [Float]) -> [Int] {
        let size = worth.count / groups.count
        let ranges = (0..<groups.count).map { $0 * size..<($0 + 1) * size }
        let scores = ranges.map { range in
            let sorted = worth[range].sorted(by: >)
            return groups.score == .best ? sorted[0] : sorted[0] + sorted[1]
        }
        return best(groups.chosen, of: Array(ranges.indices), by: scores).flatMap { ranges[$0] }
    }

    /// The indices of the largest values; of equals the first.
    private static func best(_ count: Int, of indices: [Int], by values: [Float]) -> [Int] {
        let sorted = indices.sorted {
            values[$0] > values[$1] || (values[$0] == values[$1] && $0 < $1)
        }
        return Array(sorted.prefix(count))
    }

    /// Sums element by element, part by part.
    public func combine(
        _ rows: Tensor, slots: Tensor, weights: Tensor, parts: Tensor, into output: Tensor
    ) {
        OpChecks.combine(rows, slots: slots, weights: weights, parts: parts, into: output)
        for token in 0..<output.shape[0] {
            for index in 0..<output.shape[1] {
                var sums = Array(repeating: Float(0), count: OpChecks.mostParts)
                for entry in 0..<slots.shape[1] where slots.integer(token, entry) >= 0 {
                    let value = rows.floats(slots.integer(token, entry))[index]
                    let product = weights.floats(token)[entry] * value
                    sums[parts.integer(token, entry)] += product
                }
                output.floats(token)[index] = Self.treeSum(sums[...])
            }
        }
    }
}
