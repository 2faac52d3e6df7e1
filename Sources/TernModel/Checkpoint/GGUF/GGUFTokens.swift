// The tokens of a GGUF file: what each is written as and what it is for. How text becomes tokens is
// told by the files that use them.

import TernJSON

/// The vocabulary of a file, its special tokens and what stands around a text.
struct GGUFTokens {
    /// What a token is for, by its number in `tokenizer.ggml.token_type`.
    enum Kind: Int {
        case undefined, normal, unknown, control, userDefined, unused, byte
    }

    /// How each token is written, by id.
    let texts: [String]
    /// What each token is for; normal where the file does not say.
    let kinds: [Kind]

    /// More tokens are refused, as by Tern's tokenizer.
    private static let mostTokens = 1 << 22

    init(_ gguf: GGUF) throws(CheckpointError) {
        let key = "tokenizer.ggml.tokens"
        guard let list = try gguf.list(key) else {
            throw CheckpointError(gguf.file, "\(key) is missing: the file holds no tokenizer")
        }
        texts = list.compactMap(\.string)
        guard texts.count == list.count, list.count <= Self.mostTokens else {
            throw CheckpointError(
                gguf.file, "\(key) must be at most \(Self.mostTokens) strings, found \(list.count)")
        }
        let types = "tokenizer.ggml.token_type"
        guard let numbers = try gguf.list(types) else {
            kinds = Array(repeating: .normal, count: texts.count)
            return
        }
        kinds = numbers.compactMap { $0.integer.flatMap(Kind.init) }
        guard kinds.count == texts.count, numbers.count == texts.count else {
            throw CheckpointError(
                gguf.file,
                "\(types) must be \(texts.count) numbers from 0 to 6, one of each token")
        }
    }

    /// The model's `vocab` in tokenizer.json.
    var vocabulary: JSON {
        .object(JSONObject(texts.enumerated().map { ($1, .integer($0)) }))
    }

    /// Its `added_tokens`: those that are cut out of a text before it is split.
    var added: JSON {
        var tokens: [JSON] = []
        for (id, kind) in kinds.enumerated() {
            guard kind == .control || kind == .userDefined || kind == .unknown else { continue }
            tokens.append([
                "id": .integer(id), "content": .string(texts[id]), "normalized": false,
                "special": .bool(kind != .userDefined),
            ])
        }
        return .array(tokens)
    }

    /// The text of the special token that a key names; nil where the file names none.
    func special(_ name: String, of gguf: GGUF) throws(CheckpointError) -> String? {
        let key = "tokenizer.ggml.\(name)_token_id"
        guard let id = try gguf.integer(key) else { return nil }
        guard texts.indices.contains(id) else {
            throw CheckpointError(gguf.file, "\(key) is \(id) of \(texts.count) tokens")
        }
        return texts[id]
    }

    /// The `post_processor` of tokenizer.json: the tokens before and after a text.
    func postProcessor(
        of gguf: GGUF, addsBeginning: Bool
    ) throws(CheckpointError) -> JSON {
        var pieces: [JSON] = [["Sequence": ["id": "A", "type_id": 0]]]
        var special = JSONObject()
        let asked = [
            ("bos", try gguf.flag("tokenizer.ggml.add_bos_token") ?? addsBeginning),
            ("eos", try gguf.flag("tokenizer.ggml.add_eos_token") ?? false),
        ]
        for (name, isAdded) in asked where isAdded {
            guard let text = try self.special(name, of: gguf),
                let id = try gguf.integer("tokenizer.ggml.\(name)_token_id")
            else { continue }
            let piece: JSON = ["SpecialToken": ["id": .string(text), "type_id": 0]]
            pieces.insert(piece, at: name == "bos" ? 0 : pieces.count)
            special[text] = ["id": .string(text), "ids": [.integer(id)], "tokens": [.string(text)]]
        }
        return [
            "type": "TemplateProcessing", "single": .array(pieces), "pair": [],
            "special_tokens": .object(special),
        ]
    }
}
