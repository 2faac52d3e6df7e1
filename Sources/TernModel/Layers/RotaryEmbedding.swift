// The angles by which positions rotate queries and keys, made once for each position, as soon as a step
// reaches it.

import Glibc
import TernTensor

/// A table of cosines and sines, `[positions, rope.dimension]`: cosines first, then sines.
///
/// Where a scaling depends on the length of a sequence (dynamic, longrope), it is that of the longest
/// one that this engine takes, so that an answer never depends on how long it has become.
/// Source: Su et al., arXiv 2104.09864; scalings as modeling_rope_utils.py of transformers, whose
/// float32 arithmetic is followed, so that the angles are its angles.
struct RotaryEmbedding: Sendable {
    let table: Tensor
    /// How many positions have their angles. Shape: `[1]`, int32.
    private let reached: Tensor
    private let frequencies: [Float]
    private let magnitude: Float

    init(_ rope: RopeConfiguration, positions: Int) throws(StorageError) {
        frequencies = rope.frequencies(positions: positions)
        magnitude = Float(rope.magnitude)
        table = try Tensor(zeros: [positions, rope.dimension])
        reached = try Tensor(zeros: [1], dtype: .int32)
    }

    /// Positions whose angles are computed together.
    static let stride = 256

    /// Computes the angles of the first positions, where no step has yet reached them; those beyond
    /// the stride stay untouched memory.
    ///
    /// Thread: the rank's.
    func reach(positions: Int) {
        let all = table.shape[0]
        precondition(positions <= all, "angles: \(positions) positions, expected at most \(all)")
        reached.withElements(of: Int32.self) { reached in
            let first = Int(reached[0])
            guard positions > first else { return }
            let end = min((positions + Self.stride - 1) / Self.stride * Self.stride, all)
            fill(first..<end)
            reached[0] = Int32(end)
        }
    }

    private func fill(_ positions: Range<Int>) {
        let width = table.shape[1]
        let half = width / 2
        table.withElements(of: Float.self) { table in
            for position in positions {
                for (index, frequency) in frequencies.enumerated() {
                    let angle = Float(position) * frequency
                    table[position * width + index] = cosf(angle) * magnitude
                    table[position * width + half + index] = sinf(angle) * magnitude
                }
            }
        }
    }

    /// Memory of the table.
    var bytes: Int { table.shape.count * 4 }
}

extension RopeConfiguration {
    /// The angle of a position, for each pair of dimensions, in sequences of so many positions.
    fileprivate func frequencies(positions: Int) -> [Float] {
        let base = base(positions: positions)
        let divisors = divisors(positions: positions)
        return (0..<dimension / 2).map { index in
            let exponent = Float(2 * index) / Float(dimension)
            if let divisors { return 1 / (Float(divisors[index]) * powf(base, exponent)) }
            return scaled(1 / powf(base, exponent), index: index)
        }
    }

    private func base(positions: Int) -> Float {
        guard case .dynamic(let factor, let trained) = scaling else { return Float(theta) }
        let length = max(Double(positions), trained)
        let width = Double(dimension)
        return Float(theta * pow(factor * length / trained - (factor - 1), width / (width - 2)))
    }

    private func divisors(positions: Int) -> [Double]? {
        guard case .longrope(let short, let long, let original) = scaling else { return nil }
        return Double(positions) > original ? long : short
    }

    private func scaled(_ frequency: Float, index: Int) -> Float {
        switch scaling {
        case .none, .dynamic, .longrope: return frequency
        case .linear(let factor): return frequency / Float(factor)
        case .llama3(let factor, let low, let high, let originalPositions):
            let wavelength = 2 * Float.pi / frequency
            if wavelength > Float(originalPositions / low) { return frequency / Float(factor) }
            if wavelength < Float(originalPositions / high) { return frequency }
            let smooth =
                (Float(originalPositions) / wavelength - Float(low)) / Float(high - low)
            return (1 - smooth) * frequency / Float(factor) + smooth * frequency
        case .yarn(let factor, let fast, let slow, let isTruncated, let originalPositions):
            let kept =
                1 - ramp(index, fast: fast, slow: slow, isTruncated: isTruncated, originalPositions)
            return frequency / Float(factor) * (1 - kept) + frequency * kept
        }
    }

    /// 0 for dimensions that turn often within the original positions, 1 for those that turn rarely.
    private func ramp(
        _ index: Int, fast: Double, slow: Double, isTruncated: Bool, _ originalPositions: Double
    ) -> Float {
        func turning(_ rotations: Double) -> Double {
            Double(dimension) * log(originalPositions / (rotations * 2 * Double.pi))
                / (2 * log(theta))
        }
        var (low, high) = (turning(fast), turning(slow))
        if isTruncated { (low, high) = (low.rounded(.down), high.rounded(.up)) }
        (low, high) = (max(low, 0), min(high, Double(dimension - 1)))
        if low == high { high += 0.001 }
        return min(max((Float(index) - Float(low)) / Float(high - low), 0), 1)
    }
}
