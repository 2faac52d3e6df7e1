// What Phi 3 does differently: queries, keys and values in one matrix, gates and ups in one, heads
// that may be rotated in part.
//
// Source: configuration_phi3.py of transformers.

extension ModelConfiguration {
    mutating func readPhi3(_ config: ConfigurationReader) throws(CheckpointError) {
        fusesProjections = true
        (hasProjectionBias, hasOutputBias) = (false, false)
        if config.value("sliding_window") != nil {
            let window = try config.count("sliding_window")
            windows = Array(repeating: window, count: layers)
        }
    }
}
