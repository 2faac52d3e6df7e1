// The tokenizer of a GGUF file as the tokenizer.json and tokenizer_config.json that the model had
// before, so that one tokenizer and one chat template read both.

import TernJSON

extension GGUF {
    /// Whether the file holds a tokenizer.
    public var hasTokenizer: Bool { metadata["tokenizer.ggml.tokens"] != nil }

    /// The model's tokenizer.json.
    ///
    /// Throws: `CheckpointError` for a kind of tokenizer that is not read, or lists that do not fit.
    public func tokenizer() throws(CheckpointError) -> JSON {
        switch try text("tokenizer.ggml.model") {
        case "gpt2": return try byteLevelTokenizer()
        case "llama": return try sentencePieceTokenizer()
        case let kind:
            throw CheckpointError(
                file, "tokenizer.ggml.model is \(kind ?? "missing"), supported are gpt2 and llama")
        }
    }

    /// The model's tokenizer_config.json: its chat templates and the tokens that they name.
    public func tokenizerConfiguration() throws(CheckpointError) -> JSON {
        var config = JSONObject()
        let names = [
            ("bos", "bos_token"), ("eos", "eos_token"), ("unknown", "unk_token"),
            ("padding", "pad_token"),
        ]
        if hasTokenizer {
            let tokens = try GGUFTokens(self)
            for (name, key) in names {
                config[key] = try tokens.special(name, of: self).map { .string($0) }
            }
        }
        let key = "tokenizer.chat_template"
        var templates: [JSON] = []
        if let usual = try text(key) {
            templates.append(["name": "default", "template": .string(usual)])
        }
        for name in metadata.keys.sorted() where name.hasPrefix(key + ".") {
            templates.append([
                "name": .string(String(name.dropFirst(key.count + 1))),
                "template": .string(try text(name) ?? ""),
            ])
        }
        if !templates.isEmpty { config["chat_template"] = .array(templates) }
        return .object(config)
    }

    private func byteLevelTokenizer() throws(CheckpointError) -> JSON {
        let tokens = try GGUFTokens(self)
        let words = try GGUFPreTokenizer(self)
        return [
            "version": "1.0", "added_tokens": tokens.added, "normalizer": words.normalizer,
            "pre_tokenizer": words.json,
            "post_processor": try tokens.postProcessor(
                of: self, addsBeginning: words.addsBeginning),
            "decoder": ["type": "ByteLevel"],
            "model": [
                "type": "BPE", "vocab": tokens.vocabulary,
                "merges": .array(try list("tokenizer.ggml.merges") ?? []),
                "ignore_merges": .bool(words.ignoresMerges),
            ],
        ]
    }

    /// A vocabulary of pieces with scores: blanks are written as U+2581, one stands before the text,
    /// bytes that no piece holds have tokens of their own.
    private func sentencePieceTokenizer() throws(CheckpointError) -> JSON {
        let tokens = try GGUFTokens(self)
        let scores =
            try list("tokenizer.ggml.scores")?.compactMap(\.number).filter(\.isFinite) ?? []
        guard scores.count == tokens.texts.count else {
            throw CheckpointError(
                file,
                "tokenizer.ggml.scores must be \(tokens.texts.count) numbers, one of each token")
        }
        let blank: JSON = "\u{2581}"
        let hasPrefix = try flag("tokenizer.ggml.add_space_prefix") ?? true
        let prefix: [JSON] = hasPrefix ? [["type": "Prepend", "prepend": blank]] : []
        let strip: [JSON] =
            hasPrefix ? [["type": "Strip", "content": " ", "start": 1, "stop": 0]] : []
        let replace: JSON = ["type": "Replace", "pattern": ["String": " "], "content": blank]
        let restore: JSON = ["type": "Replace", "pattern": ["String": blank], "content": " "]
        return [
            "version": "1.0", "added_tokens": tokens.added,
            "normalizer": ["type": "Sequence", "normalizers": .array(prefix + [replace])],
            "pre_tokenizer": nil,
            "post_processor": try tokens.postProcessor(of: self, addsBeginning: true),
            "decoder": [
                "type": "Sequence",
                "decoders": .array(
                    [restore, ["type": "ByteFallback"], ["type": "Fuse"]] + strip),
            ],
            "model": [
                "type": "BPE", "byte_fallback": true, "fuse_unk": true,
                "unk_token": try tokens.special("unknown", of: self).map { .string($0) } ?? "<unk>",
                "vocab": tokens.vocabulary,
                "merges": .array(PieceMerges(tokens, scores: scores).json),
            ],
        ]
    }
}
