// The `decoder` of tokenizer.json: how tokens become text again (station 12 of the walk). It holds
// the steps; DecodingStream takes them, token by token.

/// How the tokens of a text are changed and joined.
struct TokenDecoder: Sendable {
    /// A change to the tokens before they are joined.
    enum Step: Sendable {
        case replace([UInt8], with: [UInt8])
        /// Runs of tokens such as `<0xE2>` become the characters that they are the bytes of.
        case byteFallback
        /// A character stands for a blank; in the first token, it may stand for nothing.
        case metaspace([UInt8], dropsInFirst: Bool)
        case strip(StripStep)
    }

    /// How tokens are joined.
    enum Joint: Sendable {
        /// With blanks between, as a file without decoder asks for.
        case blank
        /// One behind the other.
        case nothing
        /// As the bytes that they spell in the byte alphabet.
        case bytes
    }

    private(set) var steps: [Step] = []
    private(set) var joint = Joint.blank
    /// What is taken from the ends of the joint text.
    private(set) var strips: [StripStep] = []

    private static let known = "ByteLevel, Metaspace, Replace, ByteFallback, Fuse, Strip, Sequence"

    /// Reads the decoder.
    init(_ field: TokenizerField?) throws(TokenizerError) {
        guard let field else { return }
        var isJoint = false
        for leaf in try Self.leaves(field) {
            let type = try leaf.type()
            if isJoint, type != "Strip", type != "Fuse" {
                throw leaf.failure("\(type) behind ByteLevel or Fuse is not supported; Strip is")
            }
            switch type {
            case "ByteLevel":
                joint = .bytes
                isJoint = true
            case "Fuse": isJoint = true
            case "Strip" where isJoint: strips.append(try StripStep(leaf))
            case "Strip": steps.append(.strip(try StripStep(leaf)))
            case "ByteFallback": steps.append(.byteFallback)
            case "Replace": steps.append(try Self.replace(leaf))
            case "Metaspace":
                let metaspace = try Metaspace(leaf)
                let drops = metaspace.prependScheme != .never
                steps.append(.metaspace(metaspace.replacement, dropsInFirst: drops))
            default: throw try leaf.required("type").unknownType(type, known: Self.known)
            }
        }
        if case .blank = joint { joint = .nothing }
    }

    private static func leaves(_ field: TokenizerField) throws(TokenizerError) -> [TokenizerField] {
        guard try field.type() == "Sequence" else { return [field] }
        var leaves: [TokenizerField] = []
        for member in try field.required("decoders").elements() {
            leaves += try Self.leaves(member)
        }
        return leaves
    }

    private static func replace(_ field: TokenizerField) throws(TokenizerError) -> Step {
        let pattern = try field.required("pattern")
        guard let text = pattern["String"] else {
            throw pattern.failure("a decoder's pattern must be a String; Regex is not supported")
        }
        let literal = Array(try text.string().utf8)
        guard !literal.isEmpty else { throw text.failure("an empty text replaces nothing") }
        return .replace(literal, with: Array(try field.required("content").string().utf8))
    }

    /// The bytes that a token stands for by itself, behind others; nil where no token has the id.
    func bytes(of id: Int32, in vocabulary: Vocabulary) -> [UInt8]? {
        if case .bytes = joint, steps.isEmpty { return vocabulary.alphabetBytes(of: id) }
        guard var token = vocabulary.content(of: id) else { return nil }
        for step in steps {
            switch step {
            case .byteFallback:
                if let byte = Self.byte(token) { return [byte] }
            case .replace(let pattern, let content): token = token.replacing(pattern, with: content)
            case .metaspace(let mark, _): token = token.replacing(mark, with: [0x20])
            case .strip(let strip): token = strip(token)
            }
        }
        return token
    }

    /// The byte that a token such as `<0x0A>` names.
    static func byte(_ token: [UInt8]) -> UInt8? {
        guard token.count == 6, token.starts(with: "<0x".utf8), token[5] == UInt8(ascii: ">"),
            token[3] != UInt8(ascii: "-")
        else { return nil }
        return UInt8(String(decoding: token[3..<5], as: UTF8.self), radix: 16)
    }
}

extension StripStep {
    /// Reads the step.
    init(_ field: TokenizerField) throws(TokenizerError) {
        self.init(
            character: Array(String(try field.required("content").character()).utf8),
            start: try field.count("start"), stop: try field.count("stop"))
    }
}

extension [UInt8] {
    /// The bytes with another byte string in the place of each of a pattern.
    func replacing(_ pattern: [UInt8], with content: [UInt8]) -> [UInt8] {
        let places = ranges(ofBytes: pattern)
        guard !places.isEmpty else { return self }
        var result: [UInt8] = []
        var end = 0
        for place in places {
            result += self[end..<place.lowerBound]
            result += content
            end = place.upperBound
        }
        return result + self[end...]
    }
}
