// How texts are split into words, by the name in `tokenizer.ggml.pre`. A GGUF file holds only the
// name; the patterns are those of the models' own tokenizer.json.

import TernJSON

/// A way to split texts that byte-level vocabularies were trained with.
///
/// Source: the names and patterns of llama-vocab.cpp of llama.cpp, and the tokenizer.json of Llama 3,
/// Qwen 2, GPT-2 and SmolLM.
enum GGUFPreTokenizer: String, CaseIterable {
    case llama3 = "llama-bpe"
    case qwen2 = "qwen2"
    case deepseekQwen = "deepseek-r1-qwen"
    case gpt2 = "gpt-2"
    case smollm = "smollm"
    case usual = "default"

    init(_ gguf: GGUF) throws(CheckpointError) {
        let name = try gguf.text("tokenizer.ggml.pre") ?? "default"
        let aliases = ["llama3": "llama-bpe", "llama-v3": "llama-bpe", "phi-2": "gpt-2"]
        guard let kind = Self(rawValue: aliases[name] ?? name) else {
            let known = Self.allCases.map(\.rawValue).joined(separator: ", ")
            throw CheckpointError(
                gguf.file, "tokenizer.ggml.pre \(name) is not supported; supported are \(known)")
        }
        self = kind
    }

    /// Whether a word that is a token needs no merges.
    var ignoresMerges: Bool { self == .llama3 }

    /// Whether a text begins with a token of its own where the file does not say.
    var addsBeginning: Bool { self == .llama3 }

    /// The `normalizer` of tokenizer.json.
    var normalizer: JSON { self == .qwen2 ? ["type": "NFC"] : .null }

    /// The `pre_tokenizer` of tokenizer.json.
    var json: JSON {
        var steps = patterns.map { pattern -> JSON in
            [
                "type": "Split", "pattern": ["Regex": .string(pattern)], "behavior": "Isolated",
                "invert": false,
            ]
        }
        steps.append([
            "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true,
            "use_regex": .bool(self == .gpt2 || self == .smollm),
        ])
        return ["type": "Sequence", "pretokenizers": .array(steps)]
    }

    private var patterns: [String] {
        switch self {
        case .llama3: [Self.words(digits: #"\p{N}{1,3}"#)]
        case .qwen2, .deepseekQwen: [Self.words(digits: #"\p{N}"#)]
        case .gpt2: []
        case .smollm: [#"\p{N}"#]
        case .usual:
            [
                #"[\p{P}\$\+<=>\^~\|]+"#,
                #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)"#,
                #"\p{N}+"#, "[0-9][0-9][0-9]",
            ]
        }
    }

    private static func words(digits: String) -> String {
        #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"# + digits
            + #"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
    }
}
