// Reads the `pre_tokenizer` of tokenizer.json (station 2 of the walk). ByteLevel may stand last
// only, for behind it Tern has bytes where the format has characters; each type that Tern does not
// know is refused by name.

extension PreTokenizer {
    /// The pattern of GPT-2, which ByteLevel brings along.
    private static let wordPattern =
        #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#

    /// Reads the steps; a missing pre-tokenizer has none.
    init(_ field: TokenizerField?) throws(TokenizerError) {
        var leaves = try field.map(Self.leaves) ?? []
        var byteLevel: TokenizerField?
        if let last = leaves.last, try last.type() == "ByteLevel" { byteLevel = leaves.popLast() }
        var steps: [Step] = []
        for leaf in leaves { steps.append(try Self.step(leaf)) }
        if let byteLevel {
            if try byteLevel.bool("add_prefix_space", default: true) { steps.append(.prefixBlank) }
            if try byteLevel.bool("use_regex", default: true) {
                let pattern = try Self.compile(Self.wordPattern, byteLevel)
                steps.append(.split(pattern, .isolated, isInverted: false))
            }
        }
        self.steps = steps
        isByteLevel = byteLevel != nil
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
            return .splitAt(.number, isEach ? .isolated : .contiguous)
        case "Punctuation":
            return .splitAt(.punctuation, try field["behavior"].map(behavior) ?? .isolated)
        case "Whitespace": return .splitWordsFromOthers
        case "WhitespaceSplit":
            return .split(try compile(#"\s"#, field), .removed, isInverted: false)
        case "Metaspace": return .metaspace(try Metaspace(field))
        case "ByteLevel": throw field.failure("ByteLevel is supported as the last step only")
        case let type:
            throw try field.required("type").unknownType(
                type,
                known: "ByteLevel, Metaspace, Split, Digits, Punctuation, Whitespace, "
                    + "WhitespaceSplit, Sequence")
        }
    }

    private static func behavior(_ name: TokenizerField) throws(TokenizerError) -> SplitBehavior {
        guard let behavior = SplitBehavior(rawValue: try name.string()) else {
            throw name.failure(
                "Removed, Isolated, MergedWithPrevious, MergedWithNext or Contiguous is expected",
                found: true)
        }
        return behavior
    }

    private static func split(_ field: TokenizerField) throws(TokenizerError) -> Step {
        let behavior = try behavior(field.required("behavior"))
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
        return .split(
            try SplitPattern(pattern.required("Regex")), behavior, isInverted: isInverted)
    }

    private static func compile(
        _ pattern: String, _ field: TokenizerField
    ) throws(TokenizerError) -> SplitPattern {
        do { return try SplitPattern(pattern) } catch { throw field.failure(error.reason) }
    }
}

extension SplitPattern {
    /// Reads a pattern.
    convenience init(_ field: TokenizerField) throws(TokenizerError) {
        let pattern = try field.string()
        do { try self.init(pattern) } catch { throw field.failure(error.reason) }
    }
}
