// Reads the `normalizer` of tokenizer.json (station 2 of the walk). Each type and option that it
// does not know is refused by name.

extension Normalizer {
    private static let known =
        "NFC, NFD, NFKC, NFKD, Lowercase, StripAccents, Strip, Prepend, Replace, Precompiled, "
        + "Sequence"

    /// Reads the steps; a missing normalizer has none.
    init(_ field: TokenizerField?) throws(TokenizerError) {
        steps = try field.map(Self.steps) ?? []
    }

    private static func steps(_ field: TokenizerField) throws(TokenizerError) -> [Step] {
        let type = try field.type()
        switch type {
        case "Sequence":
            var steps: [Step] = []
            for member in try field.required("normalizers").elements() {
                steps += try Self.steps(member)
            }
            return steps
        case "Lowercase": return [.lowercase]
        case "StripAccents": return [.stripAccents]
        case "Strip":
            return [
                .strip(
                    left: try field.bool("strip_left", default: true),
                    right: try field.bool("strip_right", default: true))
            ]
        case "Prepend": return [.prepend(Array(try field.required("prepend").string().utf8))]
        case "Replace": return [try replace(field)]
        case "Precompiled":
            guard let map = field["precompiled_charsmap"] else { return [] }
            return [.precompiled(try CharacterMap(map))]
        default:
            guard let form = UnicodeNormalizer(rawValue: type) else {
                throw try field.required("type").unknownType(type, known: known)
            }
            return [.form(form)]
        }
    }

    private static func replace(_ field: TokenizerField) throws(TokenizerError) -> Step {
        let content = try field.required("content")
        let bytes = Array(try content.string().utf8)
        let pattern = try field.required("pattern")
        if let text = pattern["String"] {
            let literal = Array(try text.string().utf8)
            guard !literal.isEmpty else { throw text.failure("an empty text replaces nothing") }
            return .replaceText(literal, with: bytes)
        }
        let regex = try pattern.required("Regex")
        guard !bytes.contains(UInt8(ascii: "$")) else {
            throw content.failure("\"$\" in a replacement is not supported", found: true)
        }
        return .replacePattern(try SplitPattern(regex), with: bytes)
    }
}
