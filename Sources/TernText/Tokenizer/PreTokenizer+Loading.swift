// Reads the `pre_tokenizer` of tokenizer.json (station 2 of the walk). It must end in ByteLevel,
// for Tern encodes bytes; each type it does not know is refused by name.

extension PreTokenizer {
    /// The pattern of GPT-2, which ByteLevel brings along.
    private static let wordPattern =
        #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#

    /// Reads the steps.
    init(_ field: TokenizerField?) throws(TokenizerError) {
        let leaves = try field.map(Self.leaves) ?? []
        guard let last = leaves.last, try last.type() == "ByteLevel" else {
            throw TokenizerError(
                "tokenizer.json: pre_tokenizer: ByteLevel is expected, alone or last in a "
                    + "Sequence; Tern reads byte-level tokenizers only")
        }
        var steps: [Step] = []
        for leaf in leaves.dropLast() { steps.append(try Self.step(leaf)) }
        if try last.bool("add_prefix_space", default: true) { steps.append(.prefixBlank) }
        if try last.bool("use_regex", default: true) {
            let pattern = try Self.compile(Self.wordPattern, last)
            steps.append(.split(pattern, .isolated, isInverted: false))
        }
        self.steps = steps
    }

    /// The members of nested sequences in one row.
    private static func leaves(_ field: TokenizerField) throws(TokenizerError) -> [TokenizerField] {
        guard try field.type() == "Sequence" else { return [field] }
        var leaves: [TokenizerField] = []
        for member in try field.required("pretokenizers").elements() {
            leaves += try Self.leaves(member)
        }
        return leaves
    }

    private static func step(_ field: TokenizerField) throws(TokenizerError) -> Step {
        switch try field.type() {
        case "Split": return try split(field)
        case "Digits":
            let isEach = try field.bool("individual_digits", default: false)
            let digits = try compile(#"\p{N}"#, field)
            return .split(digits, isEach ? .isolated : .contiguous, isInverted: false)
        case "ByteLevel": throw field.failure("ByteLevel is supported as the last step only")
        case let type:
            throw try field.required("type").unknownType(
                type, known: "ByteLevel, Split, Digits, Sequence")
        }
    }

    private static func split(_ field: TokenizerField) throws(TokenizerError) -> Step {
        let name = try field.required("behavior")
        guard let behavior = SplitBehavior(rawValue: try name.string()) else {
            throw name.failure("an unknown behavior", found: true)
        }
        let pattern = try field.required("pattern")
        let isInverted = try field.bool("invert", default: false)
        if let literal = pattern["String"] {
            let text = try literal.string()
            let compiled: SplitPattern
            do { compiled = try SplitPattern(literal: text) } catch {
                throw literal.failure(error.reason)
            }
            return .split(compiled, behavior, isInverted: isInverted)
        }
        let regex = try pattern.required("Regex")
        return .split(try compile(regex.string(), regex), behavior, isInverted: isInverted)
    }

    private static func compile(
        _ pattern: String, _ field: TokenizerField
    ) throws(TokenizerError) -> SplitPattern {
        do { return try SplitPattern(pattern) } catch { throw field.failure(error.reason) }
    }
}
