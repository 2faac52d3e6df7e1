// What config.json says of a model's mixtures of experts, for both families that have them. Which
// tensors hold the experts is ExpertNames's business.

import TernJSON

/// The experts of a model's sparse layers.
///
/// Source: configuration_qwen3_moe.py and configuration_mixtral.py of transformers.
public struct ExpertConfiguration: Sendable, Equatable {
    /// Number of experts of a layer.
    public let count: Int
    /// Number of experts that a token goes to.
    public let perToken: Int
    /// Width inside one expert.
    public let innerWidth: Int
    /// Whether the shares of a token's experts are divided by their sum.
    public let renormalizes: Bool
    /// Layers that have an ordinary MLP whatever the step says.
    private let denseLayers: [Int]
    /// Every so many layers one has experts, the last of them.
    private let sparseStep: Int

    /// The most experts of a layer that backends take.
    private static let mostExperts = 1024

    /// Reads the experts of a family that has them; nil where the file says that there are none.
    init?(
        _ config: ConfigurationReader, _ architecture: Architecture, largestWidth: Int
    ) throws(CheckpointError) {
        // Older files of Qwen say num_experts, newer ones and Mixtral's num_local_experts.
        let key = config.value("num_local_experts") == nil ? "num_experts" : "num_local_experts"
        switch architecture {
        case .llama, .qwen2, .qwen3: return nil
        case .qwen3MoE:
            if config.value(key)?.integer == 0 { return nil }
            innerWidth = try config.count("moe_intermediate_size", atMost: largestWidth)
            renormalizes = try config.flag("norm_topk_prob", default: false)
            denseLayers = try config.integers("mlp_only_layers")
            sparseStep = try config.count("decoder_sparse_step", default: 1)
        case .mixtral:
            innerWidth = try config.count("intermediate_size", atMost: largestWidth)
            renormalizes = true
            denseLayers = []
            sparseStep = 1
        }
        count = try config.count(key, atMost: Self.mostExperts)
        perToken = try config.count("num_experts_per_tok")
        guard perToken <= count else {
            throw CheckpointError(
                config.file, "num_experts_per_tok is \(perToken), expected at most \(key) \(count)")
        }
    }

    /// Whether a layer has experts; others have an ordinary MLP.
    public func isSparse(_ layer: Int) -> Bool {
        (layer + 1) % sparseStep == 0 && !denseLayers.contains(layer)
    }
}
