// Station 10, beneath the sampler: what is to be known of one row of logits, by the backend's ops over
// chunks of it, so that no more than a few chunks are walked through. It knows no parameters of
// requests; how tokens are drawn by what it finds stands in VocabularyScan+Draw.swift.

import Glibc
import TernTensor

/// The row that was read last: its best tokens and, once weighed, its weights.
///
/// Thread: the rank's.
struct VocabularyScan {
    private let backend: any Backend
    /// Shape: `[vocabulary]`.
    let weights: Tensor
    /// Of chunks. Shape: `[chunks]`.
    let sums: Tensor
    private let maxima: Tensor
    private var row: Tensor
    /// The chunks, those with higher maxima first.
    private var order: [Int32] = []
    private var found = BestTokens()
    /// What `weights` and `sums` are of.
    private var weighed: (temperature: Float, least: Float)?

    /// The index of the highest logit, the lower one of equals.
    private(set) var best = 0
    /// What `select` found, best first.
    var candidates: [Candidate] { found.tokens }
    /// Number of tokens.
    var size: Int { weights.shape[0] }

    init(vocabularySize: Int, on backend: any Backend) throws(StorageError) {
        let chunks = Chunks.count(of: vocabularySize)
        self.backend = backend
        weights = try Tensor(zeros: [vocabularySize])
        sums = try Tensor(zeros: [chunks])
        maxima = try Tensor(zeros: [chunks])
        row = weights
        order.reserveCapacity(chunks)
    }

    /// Reads another row. Shape: `[vocabulary]`; it must stay as it is while it is in use.
    mutating func read(_ logits: Tensor) {
        row = logits
        weighed = nil
        backend.chunkMaxima(logits, into: maxima)
        best = maxima.withElements(of: Float.self) { maxima in
            var chunk = 0
            for index in maxima.indices where maxima[index] > maxima[chunk] { chunk = index }
            return logits.withElements(of: Float.self) { logits in
                Chunks.range(chunk, of: logits.count).first { logits[$0] == maxima[chunk] } ?? 0
            }
        }
    }

    /// The logit of a token of the row.
    func logit(_ token: Int) -> Float { row.withElements(of: Float.self) { $0[token] } }

    /// How many tokens have at least a logit.
    func rank(of logit: Float) -> Int {
        row.withElements(of: Float.self) { $0.reduce(0) { $0 + ($1 >= logit ? 1 : 0) } }
    }

    /// Sets each token's weight: its probability but for a common factor, 0 below `least`. Weights
    /// of logprobs at hand, which most draws can use, are not made again.
    mutating func weigh(temperature: Float, least: Float) {
        if let weighed, weighed == (temperature, least) { return }
        backend.weigh(
            row, highest: logit(best), temperature: temperature, least: least, into: weights,
            sums: sums)
        weighed = (temperature, least)
    }

    /// Makes `sums` those of the weights of at least so much.
    mutating func sum(atLeast least: Float) {
        backend.chunkSums(weights, atLeast: least, into: sums)
        weighed = nil
    }

    /// The sum of the weights in question.
    var weightSum: Double {
        sums.withElements(of: Float.self) { $0.reduce(0.0) { $0 + Double($1) } }
    }

    /// The logarithm of the sum of exponentials. Weighs at temperature 1.
    mutating func logSumExp() -> Double {
        weigh(temperature: 1, least: 0)
        return Double(logit(best)) + log(weightSum)
    }

    /// Finds the best so many tokens.
    ///
    /// Cost: walks through the chunks that hold them and few others.
    mutating func select(_ count: Int) {
        found.restart(limit: min(count, size))
        guard count > 0 else { return }
        orderChunks()
        let (row, maxima) = (row, maxima)
        row.withElements(of: Float.self) { logits in
            maxima.withElements(of: Float.self) { maxima in
                for chunk in order {
                    guard maxima[Int(chunk)] >= found.bar else { break }
                    Self.collect(Chunks.range(Int(chunk), of: logits.count), of: logits, in: &found)
                }
            }
        }
        found.sort()
    }

    private mutating func orderChunks() {
        order.removeAll(keepingCapacity: true)
        let maxima = maxima
        maxima.withElements(of: Float.self) { maxima in
            order.append(contentsOf: maxima.indices.lazy.map { Int32($0) })
            order.sort { maxima[Int($0)] > maxima[Int($1)] }
        }
    }

    /// Sixteen at a time: hardly any of them comes near the bar.
    private static func collect(
        _ range: Range<Int>, of logits: UnsafeMutableBufferPointer<Float>,
        in best: inout BestTokens
    ) {
        guard let start = logits.baseAddress else { return }
        var bar = best.bar
        for first in stride(from: range.lowerBound, to: range.upperBound, by: 16) {
            let end = min(first + 16, range.upperBound)
            if end - first == 16 {
                let group = UnsafeRawPointer(start + first).loadUnaligned(as: SIMD16<Float>.self)
                if !any(group .>= bar) { continue }
            }
            for index in first..<end where logits[index] >= bar {
                best.add(Candidate(token: Int32(index), logit: logits[index]))
                bar = best.bar
            }
        }
    }
}
