// How config.json spells the rotary embedding: `rope_theta` and `rope_scaling` in older files,
// `rope_parameters` in newer ones. The angles themselves are Layers/RotaryEmbedding's.

/// The base and the scaling of the rotary embedding.
public struct RopeConfiguration: Sendable, Equatable {
    /// How frequencies are stretched for longer contexts.
    public enum Scaling: Sendable, Equatable {
        case none
        /// Positions divided by a factor.
        case linear(factor: Double)
        /// Low frequencies divided by a factor, high ones kept, those between blended.
        case llama3(
            factor: Double, lowFrequencyFactor: Double, highFrequencyFactor: Double,
            originalPositions: Double)
    }

    /// Base of the geometric series of frequencies.
    public let theta: Double
    /// How frequencies are stretched.
    public let scaling: Scaling

    init(_ config: ConfigurationReader, defaultTheta: Double) throws(CheckpointError) {
        let parameters = try config.nested("rope_parameters", or: "rope_scaling")
        let outer = try config.positive("rope_theta", default: defaultTheta)
        guard let parameters else {
            theta = outer
            scaling = .none
            return
        }
        theta = try parameters.positive("rope_theta", default: outer)
        let kind = try parameters.text("rope_type", or: "type") ?? "default"
        switch kind {
        case "default": scaling = .none
        case "linear": scaling = .linear(factor: try parameters.positive("factor"))
        case "llama3":
            scaling = .llama3(
                factor: try parameters.positive("factor"),
                lowFrequencyFactor: try parameters.positive("low_freq_factor"),
                highFrequencyFactor: try parameters.positive("high_freq_factor"),
                originalPositions: try parameters.positive("original_max_position_embeddings"))
        default:
            throw CheckpointError(
                config.file, "rope_type is \(kind), supported are default, linear, llama3")
        }
        if try parameters.positive("partial_rotary_factor", default: 1) != 1 {
            throw CheckpointError(
                config.file, "partial_rotary_factor other than 1 is not supported")
        }
    }
}
