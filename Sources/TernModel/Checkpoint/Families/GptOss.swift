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
    }
}
