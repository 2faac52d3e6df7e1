// What the Qwen families do differently: which projections have biases, which heads are normalized,
// and from which layer on there is a window.
//
// Source: configuration_qwen2.py, configuration_qwen3.py and configuration_qwen3_moe.py of
// transformers.

extension ModelConfiguration {
    mutating func readQwen(_ config: ConfigurationReader) throws(CheckpointError) {
        if architecture == .qwen2 { (hasProjectionBias, hasOutputBias) = (true, false) }
        normalizesHeads = architecture != .qwen2
        guard try config.flag("use_sliding_window", default: false) else { return }
        let window = try config.count("sliding_window", default: 4096)
        if architecture == .qwen3MoE {
            windows = Array(repeating: window, count: layers)
        } else {
            let first = try config.size("max_window_layers", default: 28)
            windows = try config.windows(layers: layers, window: window) { $0 >= first }
        }
    }
}
