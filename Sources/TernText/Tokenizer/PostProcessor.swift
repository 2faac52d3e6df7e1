// What tokenizer.json puts around the tokens of a text, such as a token for its beginning (station
// 2 of the walk). It knows ids only. Templates for pairs of texts are not read: no model that
// writes text uses them.

/// A row of fixed tokens and the place of the text among them.
struct PostProcessor: Sendable {
    private enum Piece: Sendable {
        case text
        case tokens([Int32])
    }

    private var pieces: [Piece] = [.text]

    /// Reads the post-processor; a missing one adds nothing.
    init(_ field: TokenizerField?, _ vocabulary: Vocabulary) throws(TokenizerError) {
        guard let field else { return }
        switch try field.type() {
        case "ByteLevel": break  // It moves offsets alone, which Tern does not keep.
        case "TemplateProcessing": pieces = try Self.template(field, vocabulary)
        case "RobertaProcessing", "BertProcessing":
            pieces = [
                .tokens([try Self.token(field.required("cls"), vocabulary)]), .text,
                .tokens([try Self.token(field.required("sep"), vocabulary)]),
            ]
        case "Sequence":
            for member in try field.required("processors").elements() {
                wrap(in: try PostProcessor(member, vocabulary))
            }
        case let type:
            throw try field.required("type").unknownType(
                type,
                known: "ByteLevel, TemplateProcessing, RobertaProcessing, BertProcessing, Sequence")
        }
    }

    /// The tokens of a text with those around them.
    func callAsFunction(_ ids: [Int32]) -> [Int32] {
        var result: [Int32] = []
        for piece in pieces {
            switch piece {
            case .text: result += ids
            case .tokens(let tokens): result += tokens
            }
        }
        return result
    }

    private mutating func wrap(in outer: PostProcessor) {
        pieces = outer.pieces.flatMap { piece in
            switch piece {
            case .text: pieces
            case .tokens: [piece]
            }
        }
    }

    private static func template(
        _ field: TokenizerField, _ vocabulary: Vocabulary
    ) throws(TokenizerError) -> [Piece] {
        let tokens = try field.required("special_tokens")
        var pieces: [Piece] = []
        for element in try field.required("single").elements() {
            if let special = element["SpecialToken"] {
                let name = try special.required("id").string()
                var ids: [Int32] = []
                for id in try tokens.required(name).required("ids").elements() {
                    ids.append(try known(id, vocabulary))
                }
                pieces.append(.tokens(ids))
            } else {
                let sequence = try element.required("Sequence").required("id")
                guard try sequence.string() == "A" else {
                    throw sequence.failure("the text \"A\" is expected", found: true)
                }
                pieces.append(.text)
            }
        }
        return pieces
    }

    /// The id of a pair of a token and its id.
    private static func token(
        _ field: TokenizerField, _ vocabulary: Vocabulary
    ) throws(TokenizerError) -> Int32 {
        let pair = try field.elements()
        guard pair.count == 2 else { throw field.failure("a token and its id are expected") }
        return try known(pair[1], vocabulary)
    }

    private static func known(
        _ field: TokenizerField, _ vocabulary: Vocabulary
    ) throws(TokenizerError) -> Int32 {
        let id = try field.tokenID()
        guard vocabulary.has(id) else { throw field.failure("no token has the id \(id)") }
        return id
    }
}
