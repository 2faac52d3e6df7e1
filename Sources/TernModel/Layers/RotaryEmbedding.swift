// The angles by which positions rotate queries and keys, made once for all positions.

import Glibc
import TernTensor

/// A table of cosines and sines, `[positions, headDimension]`: cosines first, then sines.
///
/// Source: Su et al., arXiv 2104.09864; scalings as modeling_rope_utils.py of transformers, whose
/// float32 arithmetic is followed, so that the angles are its angles.
struct RotaryEmbedding: Sendable {
    let table: Tensor
    private let frequencies: [Float]

    init(_ rope: RopeConfiguration, headDimension: Int, positions: Int)
        throws(StorageError)
    {
        frequencies = Self.frequencies(rope, headDimension: headDimension)
        table = try Tensor(zeros: [positions, headDimension])
    }

    /// Computes the angles of the first positions; those beyond stay untouched memory.
    func fill(positions: Int) {
        let headDimension = table.shape[1]
        let half = headDimension / 2
        table.withElements(of: Float.self) { table in
            for position in 0..<positions {
                for (index, frequency) in frequencies.enumerated() {
                    let angle = Float(position) * frequency
                    table[position * headDimension + index] = cosf(angle)
                    table[position * headDimension + half + index] = sinf(angle)
                }
            }
        }
    }

    /// Memory of the table.
    static func bytes(headDimension: Int, positions: Int) -> Int { positions * headDimension * 4 }

    private static func frequencies(_ rope: RopeConfiguration, headDimension: Int) -> [Float] {
        (0..<headDimension / 2).map { index in
            let exponent = Float(2 * index) / Float(headDimension)
            let frequency = 1 / powf(Float(rope.theta), exponent)
            return scaled(frequency, by: rope.scaling)
        }
    }

    private static func scaled(_ frequency: Float, by scaling: RopeConfiguration.Scaling) -> Float {
        switch scaling {
        case .none: return frequency
        case .linear(let factor): return frequency / Float(factor)
        case .llama3(let factor, let low, let high, let originalPositions):
            let wavelength = 2 * Float.pi / frequency
            if wavelength > Float(originalPositions / low) { return frequency / Float(factor) }
            if wavelength < Float(originalPositions / high) { return frequency }
            let smooth =
                (Float(originalPositions) / wavelength - Float(low)) / Float(high - low)
            return (1 - smooth) * frequency / Float(factor) + smooth * frequency
        }
    }
}
