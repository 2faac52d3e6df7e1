// What Mistral and Mixtral do differently: one window for all layers, no biases.
//
// Source: configuration_mistral.py and configuration_mixtral.py of transformers.

extension ModelConfiguration {
    mutating func readMistral(_ config: ConfigurationReader) throws(CheckpointError) {
        (hasProjectionBias, hasOutputBias) = (false, false)
        // Absent means 4,096 to Mistral and none to Mixtral; null means none to both.
        let isGiven = config.object["sliding_window"] != nil
        let fallback = architecture == .mistral && !isGiven ? 4096 : nil
        guard config.value("sliding_window") != nil || fallback != nil else { return }
        let window = try config.count("sliding_window", default: fallback)
        windows = Array(repeating: window, count: layers)
    }
}
