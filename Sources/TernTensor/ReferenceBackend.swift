// The oracle: every op of Backend in naive loops, one element after another. Other backends must
// equal it bit for bit, but for what needs an exponential, which it takes in float64 and they
// approach within a stated tolerance. Products are in ReferenceBackend+Products.swift, attention
// and its cache in ReferenceBackend+Attention.swift. It is never used to serve.

import Glibc

/// Naive loops on the calling thread.
public final class ReferenceBackend: Backend {
    /// As `--device` and messages name it.
    public let name = "reference"

    /// How products take their inputs.
    public let precision: ProductPrecision

    /// How products of rounded inputs are added.
    public let sumOrder: SumOrder

    /// A reference; it holds nothing.
    public init(precision: ProductPrecision = .highest, sumOrder: SumOrder = .pairs) {
        self.precision = precision
        self.sumOrder = sumOrder
    }

    /// Fills with seeded random values by index.
    public func fillRandom(_ tensor: Tensor, seed: UInt64, scale: Float) {
        OpChecks.fillRandom(tensor)
        let numbers = SeededNormal(seed: seed, deviation: scale)
        for index in 0..<tensor.shape.count {
            tensor.dtype.store(numbers[index], to: tensor.address, index)
        }
    }

    /// Root-mean-square normalization.
    ///
    /// Order of the sum of squares: element i goes to lane i % 16 by fused multiply-add; then the
    /// lanes are halved: lane j += lane j + 8, then + 4, + 2, + 1. The result is
    /// `(x * (1 / sqrt(sum / d + epsilon))) * weight`.
    public func rmsNorm(_ input: Tensor, weight: Tensor, epsilon: Float, into output: Tensor) {
        OpChecks.rmsNorm(input, weight: weight, into: output)
        let rank = input.shape.rank
        let width = input.shape[rank - 1]
        let weights = weight.floats(0)
        for row in 0..<(rank > 1 ? input.shape[0] : 1) {
            for head in 0..<(rank == 3 ? input.shape[1] : 1) {
                let source = input.floats(rank > 1 ? row : 0, rank == 3 ? head : 0)
                let target = output.floats(rank > 1 ? row : 0, rank == 3 ? head : 0)
                var lanes = SIMD16<Float>(repeating: 0)
                for index in 0..<width {
                    lanes[index % 16].addProduct(source[index], source[index])
                }
                let scale = 1 / (Self.halved(lanes) / Float(width) + epsilon).squareRoot()
                for index in 0..<width {
                    target[index] = (source[index] * scale) * weights[index]
                }
            }
        }
    }

    static func halved(_ lanes: SIMD16<Float>) -> Float {
        let eight = lanes.lowHalf + lanes.highHalf
        let four = eight.lowHalf + eight.highHalf
        let two = four.lowHalf + four.highHalf
        return two[0] + two[1]
    }

    /// Adds element by element.
    public func add(_ input: Tensor, to accumulator: Tensor) {
        OpChecks.add(input, to: accumulator)
        for row in 0..<input.shape[0] {
            let source = input.floats(row)
            let target = accumulator.floats(row)
            for index in 0..<input.shape[1] { target[index] += source[index] }
        }
    }

    /// One after the other.
    public func addNormalize(
        _ update: Tensor, to hidden: Tensor, weight: Tensor, epsilon: Float, into output: Tensor
    ) {
        OpChecks.addNormalize(update, to: hidden, weight: weight, into: output)
        add(update, to: hidden)
        rmsNorm(hidden, weight: weight, epsilon: epsilon, into: output)
    }

    /// Rotates pairs; the products are rounded before they are added.
    public func rotate(
        _ heads: Tensor, positions: Tensor, table: Tensor, pairing: RotaryPairing
    ) {
        OpChecks.rotate(heads, positions: positions, table: table)
        let half = table.shape[1] / 2
        let (step, distance) = pairing == .halves ? (1, half) : (2, 1)
        for row in 0..<heads.shape[0] {
            let angles = table.floats(positions.integer(row))
            for head in 0..<heads.shape[1] {
                let values = heads.floats(row, head)
                for pair in 0..<half {
                    let (low, high) = (pair * step, pair * step + distance)
                    let (first, second) = (values[low], values[high])
                    let (cosine, sine) = (angles[pair], angles[pair + half])
                    values[low] = first * cosine - second * sine
                    values[high] = second * cosine + first * sine
                }
            }
        }
    }

    /// Hyperbolic tangents in float64.
    public func softCap(_ tensor: Tensor, cap: Float) {
        OpChecks.softCap(tensor, cap: cap)
        for row in 0..<tensor.shape[0] {
            let values = tensor.floats(row)
            for index in 0..<tensor.shape[1] {
                values[index] = Float(Double(cap) * tanh(Double(values[index]) / Double(cap)))
            }
        }
    }

    /// The activated gate in float64, then times its up.
    public func activateMultiply(
        _ gateUp: Tensor, _ activation: GatedActivation, into output: Tensor
    ) {
        OpChecks.activateMultiply(gateUp, into: output)
        let width = output.shape[1]
        for row in 0..<output.shape[0] {
            let source = gateUp.floats(row)
            let target = output.floats(row)
            for index in 0..<width {
                let chunk = index / 16 * 16
                let chunkWidth = min(16, width - chunk)
                let gate = source[2 * chunk + index % 16]
                let up = source[2 * chunk + chunkWidth + index % 16]
                target[index] = Self.activated(gate, up, activation)
            }
        }
    }

    private static func activated(
        _ gate: Float, _ up: Float, _ activation: GatedActivation
    ) -> Float {
        let exact = Double(gate)
        switch activation {
        case .silu: return Float(exact / (1 + exp(-exact))) * up
        case .geluTanh:
            // (1 + tanh(u)) / 2 is the sigmoid of 2u, without its cancellation.
            let u = (2 / Double.pi).squareRoot() * (exact + 0.044715 * exact * exact * exact)
            return Float(exact / (1 + exp(-2 * u))) * up
        case .clampedSwiGLU(let limit, let alpha):
            let least = min(exact, Double(limit))
            return Float(least / (1 + exp(-Double(alpha) * least)))
                * (max(-limit, min(up, limit)) + 1)
        }
    }

    /// Copies rows.
    public func gather(_ input: Tensor, rows: Tensor, into output: Tensor) {
        OpChecks.gather(input, rows: rows, into: output)
        for row in 0..<output.shape[0] {
            let source = input.floats(rows.integer(row))
            let target = output.floats(row)
            for index in 0..<input.shape[1] { target[index] = source[index] }
        }
    }
}
