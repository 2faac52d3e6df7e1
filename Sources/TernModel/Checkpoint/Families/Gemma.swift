// What Gemma 2 and 3 do differently: scaled embeddings, norms that add one to their weight and stand
// on both sides of each block, soft caps, windows by a pattern of layers.
//
// Source: configuration_gemma2.py and configuration_gemma3.py of transformers.

import Glibc
import TernTensor

extension ModelConfiguration {
    mutating func readGemma2(_ config: ConfigurationReader) throws(CheckpointError) {
        try readGemma(config, patternDefault: 2)
        attentionSoftCap = try config.optional("attn_logit_softcapping", absent: 50)
        logitSoftCap = try config.optional("final_logit_softcapping", absent: 30)
    }

    mutating func readGemma3(_ config: ConfigurationReader) throws(CheckpointError) {
        try readGemma(config, patternDefault: 6)
        logitSoftCap = try config.optional("final_logit_softcapping", absent: nil)
        normalizesHeads = true
        if try config.flag("use_bidirectional_attention", default: false) {
            throw CheckpointError(config.file, "use_bidirectional_attention is not supported")
        }
        (rope, localRope) = try ropesOfGemma3(config)
    }

    private mutating func readGemma(
        _ config: ConfigurationReader, patternDefault: Int
    ) throws(CheckpointError) {
        embeddingScale = sqrtf(Float(hiddenSize))
        norms = NormStyle(addsOne: true, isOnBothSides: true)
        attentionScale = Float(
            1 / (try config.positive("query_pre_attn_scalar", default: 256)).squareRoot())
        activation = .geluTanh
        let pattern = try config.count("sliding_window_pattern", default: patternDefault)
        windows = try config.windows(
            layers: layers, window: try config.count("sliding_window", default: 4096)
        ) { ($0 + 1) % pattern != 0 }
    }

    /// The rope of whole layers, and that of layers with a window: two objects in newer files, two
    /// bases in older ones, whose scaling is that of the whole layers.
    private func ropesOfGemma3(
        _ config: ConfigurationReader
    ) throws(CheckpointError) -> (RopeConfiguration, RopeConfiguration) {
        let global = architecture.defaults.theta
        if let both = try config.nested("rope_parameters"),
            both.value("full_attention") != nil || both.value("sliding_attention") != nil
        {
            func rope(_ key: String, theta: Double) throws(CheckpointError) -> RopeConfiguration {
                try RopeConfiguration(
                    both.nested(key), in: config, theta: theta, dimension: headDimension,
                    maxPositions: maxPositions)
            }
            return (
                try rope("full_attention", theta: global),
                try rope("sliding_attention", theta: 10_000)
            )
        }
        let local = try config.positive("rope_local_base_freq", default: 10_000)
        return (rope, RopeConfiguration(theta: local, dimension: headDimension))
    }
}
