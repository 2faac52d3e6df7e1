// The `decoder` of tokenizer.json: how tokens become bytes again (station 12 of the walk). It
// yields bytes; Detokenizer makes characters of them.

/// How the tokens of a text are joined.
enum TokenDecoder: Sendable {
    /// Each token stands for its bytes.
    case byteLevel
    /// Tokens stand as the file writes them, with blanks between: what a file without decoder asks
    /// for.
    case none

    /// Reads the decoder.
    init(_ field: TokenizerField?) throws(TokenizerError) {
        self = .none
        guard let field else { return }
        switch try field.type() {
        case "ByteLevel": self = .byteLevel
        case "Sequence":
            let members = try field.required("decoders").elements()
            guard members.count <= 1 else {
                throw field.failure("\(members.count) decoders in a row; Tern supports one")
            }
            self = try TokenDecoder(members.first)
        case let type:
            throw try field.required("type").unknownType(type, known: "ByteLevel, Sequence")
        }
    }

    /// Appends what a token adds to a text; nothing where no token has the id.
    func append(
        _ id: Int32, of vocabulary: Vocabulary, isFirst: Bool, to bytes: inout [UInt8]
    ) {
        switch self {
        case .byteLevel:
            if let token = vocabulary.bytes(of: id) { bytes += token }
        case .none:
            guard let content = vocabulary.content(of: id) else { return }
            if !isFirst { bytes.append(UInt8(ascii: " ")) }
            bytes += Array(content.utf8)
        }
    }
}
