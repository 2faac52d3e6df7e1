// What config.json says of a model's mixtures of experts, for all families that have them. Which
// tensors hold the experts is ExpertNames's business.

import TernJSON
import TernTensor

/// The experts of a model's sparse layers.
///
/// Source: configuration_qwen3_moe.py, configuration_mixtral.py, configuration_gpt_oss.py,
/// configuration_deepseek_v2.py and configuration_deepseek_v3.py of transformers.
public struct ExpertConfiguration: Sendable, Equatable {
    /// Number of experts of a layer.
    public let count: Int
    /// Number of experts that a token goes to.
    public let perToken: Int
    /// Width inside one expert.
    public let innerWidth: Int
    /// How a token's experts are chosen and weighed.
    public internal(set) var routing: Routing
    /// Width inside the MLP that every token goes to besides; nil where there is none.
    public internal(set) var sharedWidth: Int?
    /// Whether the router and the experts have biases.
    public internal(set) var hasBias = false
    /// What is between the two products of an expert.
    public internal(set) var activation = GatedActivation.silu
    /// Layers that have an ordinary MLP whatever the step says.
    private var denseLayers: [Int] = []
    /// Layers before the first that may have experts.
    private var firstSparse = 0
    /// Every so many layers one has experts, the last of them.
    private var sparseStep = 1

    /// A router's rule, but for the weights that it needs.
    public struct Routing: Sendable, Equatable {
        /// What a logit becomes.
        public var scoring = RouterRule.Scoring.softmax
        /// Whether the checkpoint corrects the choice.
        public var isCorrected = false
        /// Groups that are chosen before experts are.
        public var groups: RouterRule.Groups?
        /// Whether the shares of a token's experts are divided by their sum.
        public var renormalizes: Bool
        /// What shares are multiplied by.
        public var factor: Float = 1
    }

    /// The most experts of a layer that backends take.
    static let mostExperts = 1024

    /// Reads the experts of a family that has them; nil where the file says that there are none.
    init?(
        _ config: ConfigurationReader, _ architecture: Architecture, largestWidth: Int
    ) throws(CheckpointError) {
        let widthKey: String
        var perTokenDefault: Int?
        switch architecture {
        case .llama, .mistral, .qwen2, .qwen3, .phi3, .gemma2, .gemma3: return nil
        case .qwen3MoE:
            widthKey = "moe_intermediate_size"
            routing = Routing(renormalizes: try config.flag("norm_topk_prob", default: false))
            denseLayers = try config.integers("mlp_only_layers")
            sparseStep = try config.count("decoder_sparse_step", default: 1)
        case .mixtral:
            widthKey = "intermediate_size"
            routing = Routing(renormalizes: true)
        case .gptOss:
            widthKey = "intermediate_size"
            perTokenDefault = 4
            // A softmax over the chosen alone is one over all, renormalized.
            routing = Routing(renormalizes: true)
            hasBias = true
            activation = .clampedSwiGLU(
                limit: Float(try config.positive("swiglu_limit", default: 7)),
                alpha: Float(try config.positive("swiglu_alpha", default: 1.702)))
        case .deepseekV2, .deepseekV3:
            widthKey = "moe_intermediate_size"
            perTokenDefault = architecture == .deepseekV3 ? 8 : nil
            routing = try Self.deepseekRouting(config, architecture)
            firstSparse = try config.size(
                "first_k_dense_replace", default: architecture == .deepseekV3 ? 3 : 0)
        }
        let key = Self.countKey(config)
        if config.value(key)?.integer == 0 { return nil }
        innerWidth = try config.count(widthKey, atMost: largestWidth)
        count = try config.count(key, atMost: Self.mostExperts)
        perToken = try config.count("num_experts_per_tok", default: perTokenDefault)
        if architecture == .deepseekV2 || architecture == .deepseekV3 {
            let shared = try config.size(
                "n_shared_experts", default: architecture == .deepseekV3 ? 1 : 2)
            try share(shared, widthKey, atMost: largestWidth, config)
        }
        try check(config, key)
    }

    /// Whether a layer has experts; others have an ordinary MLP.
    public func isSparse(_ layer: Int) -> Bool {
        layer >= firstSparse && (layer + 1) % sparseStep == 0 && !denseLayers.contains(layer)
    }

    /// Gives every token an MLP as wide as so many experts.
    private mutating func share(
        _ experts: Int, _ widthKey: String, atMost largestWidth: Int, _ config: ConfigurationReader
    ) throws(CheckpointError) {
        sharedWidth = experts == 0 ? nil : experts * innerWidth
        guard experts * innerWidth <= largestWidth else {
            throw CheckpointError(
                config.file,
                "n_shared_experts \(experts) of \(widthKey) \(innerWidth), expected at most "
                    + "\(largestWidth) together")
        }
    }

    /// Older files of Qwen say num_experts, newer ones and other families num_local_experts or
    /// n_routed_experts.
    private static func countKey(_ config: ConfigurationReader) -> String {
        ["num_local_experts", "n_routed_experts"].first { config.value($0) != nil } ?? "num_experts"
    }

    private static func deepseekRouting(
        _ config: ConfigurationReader, _ architecture: Architecture
    ) throws(CheckpointError) -> Routing {
        let isThird = architecture == .deepseekV3
        let method = try config.text("topk_method") ?? (isThird ? "noaux_tc" : "greedy")
        guard ["greedy", "group_limited_greedy", "noaux_tc"].contains(method) else {
            throw CheckpointError(
                config.file,
                "topk_method is \(method), supported are greedy, group_limited_greedy, noaux_tc")
        }
        var routing = Routing(
            renormalizes: try config.flag("norm_topk_prob", default: true) && isThird,
            factor: Float(
                try config.positive("routed_scaling_factor", default: isThird ? 2.5 : 1)))
        if isThird { (routing.scoring, routing.isCorrected) = (.sigmoid, true) }
        if method != "greedy" {
            let count = try config.count("n_group", default: isThird ? 8 : 1)
            routing.groups = RouterRule.Groups(
                count: count, chosen: try config.count("topk_group", default: isThird ? 4 : 1),
                score: isThird ? .sumOfTwoBest : .best)
        }
        return routing
    }

    private func check(_ config: ConfigurationReader, _ key: String) throws(CheckpointError) {
        guard perToken <= count else {
            throw CheckpointError(
                config.file, "num_experts_per_tok is \(perToken), expected at most \(key) \(count)")
        }
        guard let groups = routing.groups else { return }
        let least = groups.score == .sumOfTwoBest ? 2 : 1
        guard count % groups.count == 0, count / groups.count >= least,
            groups.chosen <= groups.count, groups.chosen * (count / groups.count) >= perToken
        else {
            throw CheckpointError(
                config.file,
                "n_group \(groups.count) and topk_group \(groups.chosen) do not fit \(key) \(count) "
                    + "of which \(perToken) are chosen")
        }
    }
}
