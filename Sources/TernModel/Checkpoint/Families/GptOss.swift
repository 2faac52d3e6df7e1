// What gpt-oss does differently: attention sinks, a window in every other layer, biases everywhere,
// a clamped activation in its experts.
//
// Source: configuration_gpt_oss.py of transformers.

import TernTensor

extension ModelConfiguration {
    mutating func readGptOss(_ config: ConfigurationReader) throws(CheckpointError) {
        let hasBias = try config.flag("attention_bias", default: true)
        (hasProjectionBias, hasOutputBias) = (hasBias, hasBias)
        hasSinks = true
        windows = try config.windows(
            layers: layers, window: try config.count("sliding_window", default: 128)
        ) { $0 % 2 == 0 }
        if try config.ropeParameters == nil { rope = Self.usualRope(rope) }
    }

    /// What the family's files mean that say nothing of scaling.
    private static func usualRope(_ plain: RopeConfiguration) -> RopeConfiguration {
        let factor = 32.0
        return RopeConfiguration(
            theta: plain.theta, dimension: plain.dimension,
            scaling: .yarn(
                factor: factor, fastRotations: 32, slowRotations: 1, isTruncated: false,
                originalPositions: 4096),
            magnitude: RopeConfiguration.mscale(factor: factor))
    }
}
