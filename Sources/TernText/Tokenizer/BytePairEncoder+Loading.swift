// Reads the `model` of tokenizer.json where it is a byte-pair encoding (station 2 of the walk).
// What Tern does not do is refused by name, rather than encoded otherwise than the model was
// trained.

import TernJSON

extension BytePairEncoder {
    /// Reads the encoding, whose vocabulary has been read already.
    init(
        _ model: TokenizerField, _ vocabulary: Vocabulary, isControl: (Int32) -> Bool
    ) throws(TokenizerError) {
        try Self.checkSupport(model)
        let symbols = try SymbolTable(model, vocabulary)
        var unknown = Unknown.dropped
        if let field = model["unk_token"] {
            let content = try field.string()
            guard let id = vocabulary.id(of: content) else {
                throw field.failure("the token \(quoted(content)) is not in model.vocab")
            }
            unknown = .replaced(by: id, fused: try model.bool("fuse_unk", default: false))
        }
        let pairs = try MergeTable.pairs(model.required("merges"), vocabulary)
        var merges = MergeTable(capacity: pairs.count)
        for pair in pairs { merges.append(pair.left, pair.right, result: pair.result) }
        self.init(
            symbols, merges, Self.seams(pairs, symbols, unknown), unknown: unknown,
            ignoresMerges: try model.bool("ignore_merges", default: false), isControl: isControl)
    }

    private static func checkSupport(_ model: TokenizerField) throws(TokenizerError) {
        for key in ["continuing_subword_prefix", "end_of_word_suffix"] {
            if let affix = model[key], !(try affix.string().isEmpty) {
                throw affix.failure("affixes of words are not supported")
            }
        }
        if let dropout = model["dropout"], dropout.value.number != 0 {
            throw dropout.failure("merging at random is not supported; set it to null")
        }
    }

    /// The seams of a model; nil where a merge takes a token that is no row of characters, as one
    /// for a byte or for unknown characters is.
    private static func seams(
        _ pairs: [MergeTable.Pair], _ symbols: SymbolTable, _ unknown: Unknown
    ) -> MergeSeams? {
        var others = Set(symbols.byteTokens ?? [])
        if case .replaced(let id, _) = unknown { others.insert(id) }
        var seams = MergeSeams(capacity: pairs.count)
        for pair in pairs {
            guard !others.contains(pair.left), !others.contains(pair.right) else { return nil }
            guard let left = symbols.vocabulary.bytes(of: pair.left).map(Array.init),
                let right = symbols.vocabulary.bytes(of: pair.right).map(Array.init),
                !left.isEmpty, !right.isEmpty
            else { continue }
            let isByteLevel = symbols.vocabulary.spelling == .byteAlphabet
            let start = isByteLevel ? left.count - 1 : left.scalarStart(before: left.count)
            let last = symbols.symbol(left, start..<left.count)
            let first = symbols.symbol(right, 0..<symbols.width(right, 0))
            if last != SymbolTable.absent, first != SymbolTable.absent { seams.insert(last, first) }
        }
        return seams
    }
}

extension SymbolTable {
    /// Reads `byte_fallback`, which byte-level models may state but do not need.
    init(_ model: TokenizerField, _ vocabulary: Vocabulary) throws(TokenizerError) {
        let fallsBack = try model.bool("byte_fallback", default: false)
        let isByteLevel = vocabulary.spelling == .byteAlphabet
        self.init(vocabulary, fallsBackOnBytes: fallsBack && !isByteLevel)
        if fallsBack, isByteLevel, !hasEveryByte {
            throw try model.required("byte_fallback").failure(
                "byte fallback is not supported for ByteLevel text without a token for each byte")
        }
    }
}

extension MergeTable {
    /// A merge by ids.
    typealias Pair = (left: Int32, right: Int32, result: Int32)

    /// Reads `model.merges`: pairs, or strings of two tokens with a blank between them.
    static func pairs(
        _ field: TokenizerField, _ vocabulary: Vocabulary
    ) throws(TokenizerError) -> [Pair] {
        guard let elements = field.value.array else {
            throw field.failure("an array is expected", found: true)
        }
        var pairs: [Pair] = []
        pairs.reserveCapacity(elements.count)
        for (index, element) in elements.enumerated() {
            guard let (left, right) = pair(element) else {
                throw field.element(index, element).failure(
                    "two tokens are expected, as a pair or with one blank between them",
                    found: true)
            }
            guard let leftBytes = vocabulary.spelled(left),
                let rightBytes = vocabulary.spelled(right)
            else { continue }  // Such tokens never arise from bytes.
            let joined = leftBytes + rightBytes
            guard let leftID = vocabulary.id(spelling: leftBytes, leftBytes.indices),
                let rightID = vocabulary.id(spelling: rightBytes, rightBytes.indices),
                let result = vocabulary.id(spelling: joined, joined.indices)
            else {
                throw field.element(index, element).failure(
                    "\(quoted(left)), \(quoted(right)) or both joined are not in model.vocab")
            }
            pairs.append((leftID, rightID, result))
        }
        return pairs
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
