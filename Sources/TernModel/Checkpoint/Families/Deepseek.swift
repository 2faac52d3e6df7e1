// What DeepSeek V2 and V3 do differently: keys and values that come of one latent row for all heads,
// queries that may come of one too, and heads of which a part alone is rotated.
//
// Source: configuration_deepseek_v2.py and configuration_deepseek_v3.py of transformers;
// arXiv 2405.04434.

import Glibc

/// The widths of multi-head latent attention (MLA).
public struct LatentConfiguration: Sendable, Equatable {
    /// Width of the row that queries come of; nil where they come of the hidden values.
    public let queryRank: Int?
    /// Width of the row that all heads' keys and values come of.
    public let keyValueRank: Int
    /// Dimensions of a query or key that are not rotated, and that are; the latter of a key are the
    /// same for all heads.
    public let plainDimension, rotatedDimension: Int
    /// Dimensions of a head's value.
    public let valueDimension: Int
    /// Whether pairs that are rotated lie side by side.
    public let isInterleaved: Bool

    /// What is cached of a token: the latent row, and the rotated part of its key.
    public var cachedWidth: Int { keyValueRank + rotatedDimension }
    /// Dimensions of a query.
    public var queryDimension: Int { plainDimension + rotatedDimension }
}

extension LatentConfiguration {
    /// The widths of a family that has latent attention; nil for others.
    init?(
        _ config: ConfigurationReader, _ architecture: Architecture, largestWidth: Int
    ) throws(CheckpointError) {
        guard [.deepseekV2, .deepseekV3].contains(architecture) else { return nil }
        let hasQueryRank = config.object["q_lora_rank"].map { !$0.isNull } ?? true
        queryRank =
            hasQueryRank
            ? try config.count("q_lora_rank", default: 1536, atMost: largestWidth) : nil
        keyValueRank = try config.count("kv_lora_rank", default: 512, atMost: 1 << 12)
        plainDimension = try config.count("qk_nope_head_dim", default: 128, atMost: 1 << 12)
        rotatedDimension = try config.count("qk_rope_head_dim", default: 64, atMost: 1 << 12)
        valueDimension = try config.count("v_head_dim", default: 128, atMost: 1 << 12)
        isInterleaved = try config.flag("rope_interleave", default: true)
        // A head's values are an input part of the output projection, which is cut at even inputs.
        guard valueDimension % 2 == 0 else {
            throw CheckpointError(
                config.file, "v_head_dim is \(valueDimension), expected an even number")
        }
        guard rotatedDimension % 2 == 0, cachedWidth % 2 == 0, cachedWidth <= 576,
            keyValueRank <= 512
        else {
            throw CheckpointError(
                config.file,
                "kv_lora_rank \(keyValueRank) and qk_rope_head_dim \(rotatedDimension), expected "
                    + "even numbers, at most 512 and 576 together")
        }
    }
}

extension ModelConfiguration {
    mutating func readDeepseek(_ config: ConfigurationReader) throws(CheckpointError) {
        let factor = rope.scaling == .none ? 1 : try mscale(config)
        attentionScale = Float(factor * factor / Double(headDimension).squareRoot())
    }

    /// By how much queries grow, and keys too, where rope is scaled.
    private func mscale(_ config: ConfigurationReader) throws(CheckpointError) -> Double {
        guard let rope = try config.ropeParameters, let weight = try rope.weight("mscale_all_dim")
        else { return 1 }
        return RopeConfiguration.mscale(factor: try rope.positive("factor"), weight: weight)
    }
}
