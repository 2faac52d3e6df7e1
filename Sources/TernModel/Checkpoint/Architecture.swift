// The list of model families that the code knows: the one place where a name in config.json
// becomes a family.

/// A supported model family, by the name in config.json's `architectures`.
public enum Architecture: String, Sendable, CaseIterable {
    case llama = "LlamaForCausalLM"
    case qwen2 = "Qwen2ForCausalLM"
    case qwen3 = "Qwen3ForCausalLM"

    /// The head dimension where config.json gives none; nil: hidden size over query heads.
    var defaultHeadDimension: Int? { self == .qwen3 ? 128 : nil }

    /// The number of positions where config.json gives none.
    var defaultMaxPositions: Int { self == .llama ? 2048 : 32768 }

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
