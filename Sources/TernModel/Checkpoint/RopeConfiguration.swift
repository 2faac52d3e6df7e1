// How config.json spells the rotary embedding: `rope_theta` and `rope_scaling` in older files,
// `rope_parameters` in newer ones. The angles themselves are Layers/RotaryEmbedding's.

import Glibc

/// The base and the scaling of the rotary embedding.
public struct RopeConfiguration: Sendable, Equatable {
    /// How frequencies are stretched for longer contexts.
    public enum Scaling: Sendable, Equatable {
        case none
        /// Positions divided by a factor.
        case linear(factor: Double)
        /// A larger base for sequences longer than the model was made for.
        case dynamic(factor: Double, trainedPositions: Double)
        /// Low frequencies divided by a factor, high ones kept, those between blended.
        case llama3(
            factor: Double, lowFrequencyFactor: Double, highFrequencyFactor: Double,
            originalPositions: Double)
        /// The same with a ramp over dimensions; its ends are given in rotations, and as whole
        /// dimensions where they are `truncated`.
        case yarn(
            factor: Double, fastRotations: Double, slowRotations: Double, isTruncated: Bool,
            originalPositions: Double)
        /// A divisor for each frequency: the short ones up to the original number of positions.
        case longrope(short: [Double], long: [Double], originalPositions: Double)
    }

    /// Base of the geometric series of frequencies.
    public let theta: Double
    /// How frequencies are stretched.
    public let scaling: Scaling
    /// How many dimensions of a head are rotated, the first ones.
    public let dimension: Int
    /// What cosines and sines are multiplied by.
    public let magnitude: Double

    init(theta: Double, dimension: Int, scaling: Scaling = .none, magnitude: Double = 1) {
        (self.theta, self.dimension) = (theta, dimension)
        (self.scaling, self.magnitude) = (scaling, magnitude)
    }

    /// Reads the parameters of a model whose heads have a dimension. `theta` is the default.
    init(
        _ parameters: ConfigurationReader?, in config: ConfigurationReader, theta: Double,
        dimension: Int, maxPositions: Int
    ) throws(CheckpointError) {
        let outer = try config.positive("rope_theta", default: theta)
        let share = try config.positive("partial_rotary_factor", default: 1)
        guard let parameters else {
            self.init(theta: outer, dimension: try Self.rotated(dimension, share, config))
            return
        }
        let rotated = try Self.rotated(
            dimension, try parameters.positive("partial_rotary_factor", default: share), config)
        let (scaling, magnitude) = try Self.scaling(
            parameters, in: config, maxPositions: maxPositions, frequencies: rotated / 2)
        self.init(
            theta: try parameters.positive("rope_theta", default: outer), dimension: rotated,
            scaling: scaling, magnitude: magnitude)
    }

    private static func scaling(
        _ parameters: ConfigurationReader, in config: ConfigurationReader, maxPositions: Int,
        frequencies: Int
    ) throws(CheckpointError) -> (Scaling, Double) {
        let original = try parameters.positive(
            "original_max_position_embeddings",
            default: config.positive(
                "original_max_position_embeddings", default: Double(maxPositions)))
        let kind = try parameters.text("rope_type", or: "type") ?? "default"
        switch kind {
        case "default": return (.none, 1)
        case "linear": return (.linear(factor: try parameters.positive("factor")), 1)
        case "dynamic":
            let factor = try parameters.positive("factor")
            return (.dynamic(factor: factor, trainedPositions: Double(maxPositions)), 1)
        case "llama3":
            let scaling = Scaling.llama3(
                factor: try parameters.positive("factor"),
                lowFrequencyFactor: try parameters.positive("low_freq_factor"),
                highFrequencyFactor: try parameters.positive("high_freq_factor"),
                originalPositions: try parameters.positive("original_max_position_embeddings"))
            return (scaling, 1)
        case "yarn":
            return try yarn(parameters, original: original, maxPositions: maxPositions)
        case "longrope", "su":
            return try longrope(
                parameters, original: original, maxPositions: maxPositions,
                frequencies: frequencies)
        default:
            throw CheckpointError(
                config.file,
                "rope_type is \(kind), supported are default, linear, dynamic, llama3, yarn, "
                    + "longrope")
        }
    }

    /// Positions to which the scaling stretches a model made for so many; at most 2^30.
    func reach(from positions: Int) -> Int {
        let reach: Double =
            switch scaling {
            case .none, .llama3, .longrope: Double(positions)
            case .linear(let factor): Double(positions) * factor
            case .dynamic(let factor, let trainedPositions): trainedPositions * factor
            case .yarn(let factor, _, _, _, let originalPositions): originalPositions * factor
            }
        return Int(min(reach, Double(1 << 30)))
    }

    /// By how much yarn stretches queries or keys. Source: arXiv 2309.00071.
    static func mscale(factor: Double, weight: Double = 1) -> Double {
        factor <= 1 ? 1 : 0.1 * weight * log(factor) + 1
    }

    private static func rotated(
        _ dimension: Int, _ share: Double, _ config: ConfigurationReader
    ) throws(CheckpointError) -> Int {
        let rotated = Double(dimension) * share
        guard share <= 1, rotated >= 2, Int(rotated) % 2 == 0 else {
            throw CheckpointError(
                config.file,
                "partial_rotary_factor \(share) of \(dimension) dimensions gives \(rotated), "
                    + "expected an even number from 2 to \(dimension)")
        }
        return Int(rotated)
    }

    private static func yarn(
        _ parameters: ConfigurationReader, original: Double, maxPositions: Int
    ) throws(CheckpointError) -> (Scaling, Double) {
        let factor = try parameters.positive("factor", default: Double(maxPositions) / original)
        let all = try parameters.weight("mscale_all_dim")
        let own = try parameters.weight("mscale")
        let usual =
            if let own, let all {
                mscale(factor: factor, weight: own) / mscale(factor: factor, weight: all)
            } else {
                mscale(factor: factor)
            }
        let scaling = Scaling.yarn(
            factor: factor, fastRotations: try parameters.positive("beta_fast", default: 32),
            slowRotations: try parameters.positive("beta_slow", default: 1),
            isTruncated: try parameters.flag("truncate", default: true),
            originalPositions: original)
        return (scaling, try parameters.positive("attention_factor", default: usual))
    }

    private static func longrope(
        _ parameters: ConfigurationReader, original: Double, maxPositions: Int, frequencies: Int
    ) throws(CheckpointError) -> (Scaling, Double) {
        func divisors(_ key: String) throws(CheckpointError) -> [Double] {
            let list = try parameters.positives(key)
            guard list.count == frequencies else {
                throw CheckpointError(
                    parameters.file, "\(key) has \(list.count) numbers, expected \(frequencies)")
            }
            return list
        }
        let factor = try parameters.positive("factor", default: Double(maxPositions) / original)
        let usual = factor <= 1 ? 1 : (1 + log(factor) / log(original)).squareRoot()
        let scaling = Scaling.longrope(
            short: try divisors("short_factor"), long: try divisors("long_factor"),
            originalPositions: original)
        return (scaling, try parameters.positive("attention_factor", default: usual))
    }
}

extension ConfigurationReader {
    /// The object that describes the rotary embedding, under either of its names.
    var ropeParameters: ConfigurationReader? {
        get throws(CheckpointError) { try nested("rope_parameters", or: "rope_scaling") }
    }

    /// A positive number; nil where it is absent or 0, which counts as absent.
    func weight(_ key: String) throws(CheckpointError) -> Double? {
        if value(key)?.number == 0 { return nil }
        return value(key) == nil ? nil : try positive(key)
    }
}
