// The list of model families that the code knows: the one place where a name in config.json
// becomes a family, and where a family's defaults stand.

/// A supported model family, by the name in config.json's `architectures`.
public enum Architecture: String, Sendable, CaseIterable {
    case llama = "LlamaForCausalLM"
    case mistral = "MistralForCausalLM"
    case mixtral = "MixtralForCausalLM"
    case qwen2 = "Qwen2ForCausalLM"
    case qwen3 = "Qwen3ForCausalLM"
    case qwen3MoE = "Qwen3MoeForCausalLM"
    case phi3 = "Phi3ForCausalLM"
    case gemma2 = "Gemma2ForCausalLM"
    case gemma3 = "Gemma3ForCausalLM"
    case gptOss = "GptOssForCausalLM"
    case deepseekV2 = "DeepseekV2ForCausalLM"
    case deepseekV3 = "DeepseekV3ForCausalLM"

    /// What sets the family apart, in a few words.
    public var traits: String {
        switch self {
        case .llama: "rope default, linear, dynamic, yarn and llama3; biases or not"
        case .mistral: "a window in every layer, or none"
        case .mixtral: "experts in every layer"
        case .qwen2: "biases on queries, keys and values; windows in some layers"
        case .qwen3: "norms on queries and keys; windows in some layers"
        case .qwen3MoE:
            "Qwen3 with experts: `norm_topk_prob`, `mlp_only_layers`, `decoder_sparse_step`"
        case .phi3: "fused projections, partly rotated heads, longrope"
        case .gemma2: "soft caps, norms around each block, a window in every other layer"
        case .gemma3: "text; norms on queries and keys, two ropes, five windows to one whole layer"
        case .gptOss: "attention sinks, a window in every other layer, experts with biases; bf16"
        case .deepseekV2: "latent attention (MLA), shared experts, groups of experts"
        case .deepseekV3: "latent attention (MLA), shared experts, a corrected choice of experts"
        }
    }

    /// What config.json means where it says nothing.
    var defaults: FamilyDefaults {
        switch self {
        case .llama: FamilyDefaults(maxPositions: 2048)
        case .mistral: FamilyDefaults(maxPositions: 131_072)
        case .mixtral:
            FamilyDefaults(maxPositions: 131_072, normEpsilon: 1e-5, theta: 1_000_000)
        case .qwen2, .qwen3MoE: FamilyDefaults(maxPositions: 32768)
        case .qwen3: FamilyDefaults(headDimension: 128, maxPositions: 32768)
        case .phi3: FamilyDefaults(maxPositions: 4096, normEpsilon: 1e-5)
        case .gemma2: FamilyDefaults(headDimension: 256, maxPositions: 8192, tiesEmbeddings: true)
        case .gemma3:
            FamilyDefaults(
                headDimension: 256, maxPositions: 131_072, theta: 1_000_000, tiesEmbeddings: true)
        case .gptOss:
            FamilyDefaults(
                headDimension: 64, maxPositions: 131_072, normEpsilon: 1e-5, theta: 150_000)
        case .deepseekV2: FamilyDefaults(maxPositions: 2048)
        case .deepseekV3: FamilyDefaults(maxPositions: 4096)
        }
    }

    init(_ config: ConfigurationReader) throws(CheckpointError) {
        let names = (config.value("architectures")?.array ?? []).compactMap(\.string)
        guard let name = names.first else {
            throw CheckpointError(
                config.file, "architectures is missing, expected one of \(Self.known)")
        }
        guard let architecture = Self(rawValue: name) else {
            throw CheckpointError(
                config.file, "architecture \(name) is not supported; supported are \(Self.known)")
        }
        self = architecture
    }

    private static var known: String { allCases.map(\.rawValue).joined(separator: ", ") }
}

/// Defaults of keys that most families have.
struct FamilyDefaults {
    /// nil: hidden size over query heads.
    var headDimension: Int?
    let maxPositions: Int
    var normEpsilon = 1e-6
    var theta = 10_000.0
    var tiesEmbeddings = false
}
