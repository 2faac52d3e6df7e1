// Reads the `model` of tokenizer.json (station 2 of the walk). What Tern does not do is refused by
// name, rather than encoded otherwise than the model was trained.

import TernJSON

extension BytePairEncoder {
    /// Refuses models other than byte-level byte-pair encodings.
    static func checkSupport(_ model: TokenizerField) throws(TokenizerError) {
        if let type = try model["type"]?.string(), type != "BPE" {
            throw try model.required("type").unknownType(type, known: "BPE")
        }
        for key in ["continuing_subword_prefix", "end_of_word_suffix"] {
            if let affix = model[key], !(try affix.string().isEmpty) {
                throw affix.failure("affixes are not supported; Tern reads byte-level tokens only")
            }
        }
        if try model.bool("byte_fallback", default: false) {
            throw try model.required("byte_fallback").failure(
                "byte fallback is not supported; Tern reads byte-level tokens only")
        }
        if let dropout = model["dropout"], dropout.value.number != 0 {
            throw dropout.failure("merging at random is not supported; set it to null")
        }
    }

    /// Reads the encoding, whose vocabulary has been read already.
    init(
        _ model: TokenizerField, _ vocabulary: Vocabulary, isControl: (Int32) -> Bool
    ) throws(TokenizerError) {
        var unknown = UnknownBytes.dropped
        if let field = model["unk_token"] {
            let content = try field.string()
            guard let id = vocabulary.id(of: content) else {
                throw field.failure("the token \(quoted(content)) is not in model.vocab")
            }
            unknown = .replaced(by: id, fused: try model.bool("fuse_unk", default: false))
        }
        self.init(
            vocabulary, try MergeTable(model.required("merges"), vocabulary), unknown: unknown,
            ignoresMerges: try model.bool("ignore_merges", default: false), isControl: isControl)
    }
}

extension MergeTable {
    /// Reads `model.merges`: pairs, or strings of two tokens with a blank between them.
    init(_ field: TokenizerField, _ vocabulary: Vocabulary) throws(TokenizerError) {
        guard let elements = field.value.array else {
            throw field.failure("an array is expected", found: true)
        }
        self.init(capacity: elements.count)
        for (index, element) in elements.enumerated() {
            guard let (left, right) = Self.pair(element) else {
                throw field.element(index, element).failure(
                    "two tokens are expected, as a pair or with one blank between them",
                    found: true)
            }
            guard let leftBytes = ByteAlphabet.bytes(of: left),
                let rightBytes = ByteAlphabet.bytes(of: right)
            else { continue }  // Such tokens never arise from bytes.
            let joined = leftBytes + rightBytes
            guard let leftID = vocabulary.id(spelling: leftBytes, leftBytes.indices),
                let rightID = vocabulary.id(spelling: rightBytes, rightBytes.indices),
                let result = vocabulary.id(spelling: joined, joined.indices)
            else {
                throw field.element(index, element).failure(
                    "\(quoted(left)), \(quoted(right)) or both joined are not in model.vocab")
            }
            append(leftID, rightID, result: result)
        }
    }

    private static func pair(_ value: JSON) -> (String, String)? {
        if let pair = value.array {
            guard pair.count == 2, let left = pair[0].string, let right = pair[1].string else {
                return nil
            }
            return (left, right)
        }
        let blank = UInt8(ascii: " ")
        guard let text = value.string, let place = text.utf8.firstIndex(of: blank) else {
            return nil
        }
        let right = text[text.utf8.index(after: place)...]
        return right.utf8.contains(blank) ? nil : (String(text[..<place]), String(right))
    }
}
