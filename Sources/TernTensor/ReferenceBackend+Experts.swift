// The reference's mixtures of experts: which experts a token goes to, and the sum of what they
// gave. The products between the two are the ordinary ones.

import Glibc

extension ReferenceBackend {
    /// Softmax with the exponential in float64, summed in `rmsNorm`'s order; then the best.
    ///
    /// The best are chosen by their logits, so that the choice needs no exponential.
    public func route(
        _ logits: Tensor, renormalizes: Bool, into experts: Tensor, weights: Tensor
    ) {
        OpChecks.route(logits, into: experts, weights: weights)
        let perToken = experts.shape[1]
        for row in 0..<logits.shape[0] {
            let source = UnsafeBufferPointer(start: logits.floats(row), count: logits.shape[1])
            let largest = source.max() ?? 0
            let terms = source.map { Float(exp(Double($0 - largest))) }
            var lanes = SIMD16<Float>(repeating: 0)
            for (index, term) in terms.enumerated() { lanes[index % 16] += term }
            let sum = Self.halved(lanes)
            let best = source.indices.sorted {
                source[$0] > source[$1] || (source[$0] == source[$1] && $0 < $1)
            }
            let chosen = best.prefix(perToken).sorted()
            var shares = chosen.map { terms[$0] / sum }
            if renormalizes {
                let total = shares.reduce(0, +)
                shares = shares.map { $0 / total }
            }
            for (slot, expert) in chosen.enumerated() {
                experts.row(row).storeBytes(
                    of: Int32(expert), toByteOffset: slot * 4, as: Int32.self)
                weights.floats(row)[slot] = shares[slot]
            }
        }
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
