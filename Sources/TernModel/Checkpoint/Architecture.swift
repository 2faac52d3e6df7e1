// The list of model families that the code knows: the one place where a name in config.json
// becomes a family.

/// A supported model family, by the name in config.json's `architectures`.
public enum Architecture: String, Sendable, CaseIterable {
    case llama = "LlamaForCausalLM"
    case qwen2 = "Qwen2ForCausalLM"
    case qwen3 = "Qwen3ForCausalLM"
    case qwen3MoE = "Qwen3MoeForCausalLM"
    case mixtral = "MixtralForCausalLM"

    /// The head dimension where config.json gives none; nil: hidden size over query heads.
    var defaultHeadDimension: Int? { self == .qwen3 ? 128 : nil }

    /// The number of positions where config.json gives none.
    var defaultMaxPositions: Int {
        switch self {
        case .llama: 2048
        case .qwen2, .qwen3, .qwen3MoE: 32768
        case .mixtral: 131_072
        }
    }

    /// What RMSNorm adds where config.json does not say.
    var defaultNormEpsilon: Double { self == .mixtral ? 1e-5 : 1e-6 }

    /// The base of the rotary embedding where config.json gives none.
    var defaultTheta: Double { self == .mixtral ? 1_000_000 : 10_000 }

    /// Whether each query and key head is normalized before it is rotated.
    var normalizesHeads: Bool { self == .qwen3 || self == .qwen3MoE }

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
