// The model families that are read from GGUF files: the one place where `general.architecture`
// becomes a family, and which of its tensors lie otherwise than Tern counts them.

/// A family, by the name in `general.architecture`.
enum GGUFFamily: String, CaseIterable {
    case llama
    case qwen2
    case qwen3
    case qwen3moe

    init(_ gguf: GGUF) throws(CheckpointError) {
        let known = Self.allCases.map(\.rawValue).joined(separator: ", ")
        guard let name = try gguf.text("general.architecture") else {
            throw CheckpointError(
                gguf.file, "general.architecture is missing, expected one of \(known)")
        }
        guard let family = Self(rawValue: name) else {
            throw CheckpointError(
                gguf.file, "general.architecture \(name) is not supported; supported are \(known)")
        }
        self = family
    }

    /// Whether the rows of queries and keys lie in pairs: llama.cpp rotates neighbours in this
    /// family and the two halves of a head in the others. Source: `permute` of convert_hf_to_gguf.
    var pairsRows: Bool { self == .llama }

    /// The family of the model; llama files with experts are Mixtral's.
    func architecture(hasExperts: Bool) -> Architecture {
        switch self {
        case .llama: hasExperts ? .mixtral : .llama
        case .qwen2: .qwen2
        case .qwen3: .qwen3
        case .qwen3moe: .qwen3MoE
        }
    }
}
