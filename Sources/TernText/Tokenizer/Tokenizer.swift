// From text to tokens and back (station 2 of the walk, and the ground of station 12). It joins the
// parts of tokenizer.json, each of which has a file of its own, and neither renders chats nor
// streams: ChatTemplate and Detokenizer do.

/// A tokenizer of byte pairs or Unigram pieces, of bytes or characters, identical to Hugging Face's
/// `tokenizers` on the same tokenizer.json.
///
/// Thread: a value that never changes; any number of threads may use one at once.
public struct Tokenizer: Sendable {
    let vocabulary: Vocabulary
    let decoder: TokenDecoder
    private let rawTokens: AddedTokens
    private let normalizedTokens: AddedTokens
    private let normalizer: Normalizer
    private let preTokenizer: PreTokenizer
    private let encoder: WordEncoder
    private let postProcessor: PostProcessor

    /// Longer texts are refused: positions in a word have 31 bits.
    static let maximumTextBytes = 1 << 30

    init(
        vocabulary: Vocabulary, addedTokens: [(token: AddedToken, id: Int32)],
        normalizer: Normalizer, preTokenizer: PreTokenizer, encoder: WordEncoder,
        postProcessor: PostProcessor, decoder: TokenDecoder
    ) throws(TokenizerError) {
        var vocabulary = vocabulary
        var raw: [(AddedToken, Int32, form: [UInt8])] = []
        var normalized: [(AddedToken, Int32, form: [UInt8])] = []
        for (token, id) in addedTokens {
            let form = MarkedText(Array(token.content.utf8), isLiteral: false)
            if token.isNormalized {
                let form = try normalizer(form).bytes
                vocabulary.respell(id, form)
                normalized.append((token, id, form))
            } else {
                raw.append((token, id, form.bytes))
            }
        }
        self.vocabulary = vocabulary
        self.normalizer = normalizer
        self.preTokenizer = preTokenizer
        self.encoder = encoder
        self.postProcessor = postProcessor
        self.decoder = decoder
        rawTokens = AddedTokens(raw)
        normalizedTokens = AddedTokens(normalized)
    }

    /// The largest token id plus one.
    public var vocabularySize: Int { vocabulary.size }

    /// The tokens of a text.
    ///
    /// - Parameter addSpecialTokens: Whether the post-processor adds its own, such as one for the
    ///   beginning of the text.
    /// - Parameter parsesSpecialTokens: Whether the text of a control token becomes that token;
    ///   false for text from users.
    ///
    /// Throws: `TokenizerError` for a text of more than 1 GiB, one that a pattern cannot split
    /// within its limits, or one with a character that the model knows nothing for.
    /// Cost: about one look-up per word; O(n log n) in the longest word.
    public func encode(
        _ text: String, addSpecialTokens: Bool = true, parsesSpecialTokens: Bool = true
    ) throws(TokenizerError) -> [Int32] {
        try encode(
            MarkedText(Array(text.utf8), isLiteral: !parsesSpecialTokens), addSpecialTokens)
    }

    /// The tokens of a text in UTF-8.
    ///
    /// Throws: `TokenizerError` also where the bytes are not UTF-8.
    public func encode(
        utf8 bytes: [UInt8], addSpecialTokens: Bool = true, parsesSpecialTokens: Bool = true
    ) throws(TokenizerError) -> [Int32] {
        do {
            _ = try UTF8Span(validating: bytes.span)
        } catch {
            throw TokenizerError(
                "the text is not UTF-8: byte \(error.byteOffsets.lowerBound); convert it to UTF-8")
        }
        return try encode(MarkedText(bytes, isLiteral: !parsesSpecialTokens), addSpecialTokens)
    }

    /// The tokens of a rendered prompt. Text is split across the borders of segments, so that the
    /// tokens are those of the joint text; yet a control token must lie in the template's text.
    ///
    /// Throws: as for a text.
    public func encode(
        segments: [PromptSegment], addSpecialTokens: Bool = false
    ) throws(TokenizerError) -> [Int32] {
        try encode(MarkedText(segments), addSpecialTokens)
    }

    private func encode(
        _ text: MarkedText, _ addSpecialTokens: Bool
    ) throws(TokenizerError) -> [Int32] {
        guard text.bytes.count <= Self.maximumTextBytes else {
            throw TokenizerError(
                "a text of \(text.bytes.count) bytes; at most \(Self.maximumTextBytes) are encoded")
        }
        var ids: [Int32] = []
        ids.reserveCapacity(text.bytes.count / 4)
        var workspace = WordEncoder.Workspace()
        for piece in rawTokens.split(text) {
            switch piece {
            case .token(let id): ids.append(id)
            case .text(let range):
                try encodeNormalized(normalizer(text.part(range)), into: &ids, &workspace)
            }
        }
        return addSpecialTokens ? postProcessor(ids) : ids
    }

    private func encodeNormalized(
        _ text: MarkedText, into ids: inout [Int32], _ workspace: inout WordEncoder.Workspace
    ) throws(TokenizerError) {
        for piece in normalizedTokens.split(text) {
            switch piece {
            case .token(let id): ids.append(id)
            case .text(let range):
                let words = try preTokenizer.words(
                    of: range == text.bytes.indices ? text.bytes : Array(text.bytes[range]),
                    isAtStart: text.isAtStart && range.lowerBound == 0)
                for word in words.ranges {
                    try encoder.encode(words.text, word, into: &ids, &workspace)
                }
            }
        }
    }
}

extension Tokenizer {
    /// The text of tokens; bytes that are not UTF-8 become U+FFFD. Ids without a token, as the
    /// padded end of a vocabulary has them, stand for nothing.
    ///
    /// Throws: `TokenizerError` for a negative id.
    public func decode(
        _ ids: [Int32], skipSpecialTokens: Bool
    ) throws(TokenizerError) -> String {
        var detokenizer = Detokenizer(self, skipSpecialTokens: skipSpecialTokens)
        var text = ""
        for id in ids {
            guard id >= 0 else {
                throw TokenizerError("the token id \(id) is negative; ids start at 0")
            }
            text += detokenizer.append(id)
        }
        return text + detokenizer.finish()
    }

    /// The bytes that a token stands for, which need not be whole characters; nil where no token
    /// has the id.
    public func tokenBytes(_ id: Int32) -> [UInt8]? { decoder.bytes(of: id, in: vocabulary) }

    /// Whether a token is special: left out of decoded text where that is asked.
    public func isSpecial(_ id: Int32) -> Bool { vocabulary.isSpecial(id) }

    /// The id of a token as tokenizer.json writes it, such as `<|end|>` or `Ġthe`.
    public func tokenID(of content: String) -> Int32? { vocabulary.id(of: content) }
}
