// Cuts text between added tokens into words, the pieces that are encoded one by one (station 2 of
// the walk). It knows where to cut, not what the pieces become.

/// The pre-tokenizer of tokenizer.json as a row of steps.
///
/// Source: checked against `tokenizers` (pre_tokenizers, normalizer.rs).
struct PreTokenizer: Sendable {
    /// One change to the row of words.
    enum Step: Sendable {
        /// Cuts each word where a pattern matches.
        case split(SplitPattern, SplitBehavior, isInverted: Bool)
        /// Cuts at each character of a kind.
        case splitAt(WordScan.Separator, SplitBehavior)
        /// Keeps runs of word characters and runs of others; white space goes.
        case splitWordsFromOthers
        /// Puts a blank before each word that has none.
        case prefixBlank
        /// Writes blanks as another character, as SentencePiece does.
        case metaspace(Metaspace)
    }

    /// A text and the words in it.
    struct Words {
        var text: [UInt8]
        var ranges: [Range<Int>]
    }

    let steps: [Step]
    /// Whether the words become tokens byte by byte, rather than character by character.
    let isByteLevel: Bool

    /// The words of a text.
    ///
    /// - Parameter isAtStart: Whether the text is the beginning of what is encoded.
    func words(of text: [UInt8], isAtStart: Bool) throws(TokenizerError) -> Words {
        var words = Words(text: text, ranges: text.isEmpty ? [] : [text.indices])
        var isAtStart = isAtStart
        for step in steps {
            let start = words.ranges.first?.lowerBound ?? 0
            switch step {
            case .prefixBlank: prefixBlanks(&words)
            case .metaspace(let metaspace): metaspace.apply(&words, isAtStart: isAtStart)
            case .split(let pattern, let behavior, let isInverted):
                try split(&words, pattern, behavior, isInverted)
            case .splitAt(let separator, let behavior):
                words.ranges = words.ranges.flatMap { range in
                    behavior.arranged(WordScan.parts(of: words.text, range, by: separator))
                }
            case .splitWordsFromOthers:
                words.ranges = words.ranges.flatMap { WordScan.words(in: words.text, $0) }
            }
            switch step {
            case .prefixBlank, .metaspace: break
            case .split, .splitAt, .splitWordsFromOthers:
                isAtStart = isAtStart && words.ranges.first?.lowerBound == start
            }
        }
        return words
    }

    private func split(
        _ words: inout Words, _ pattern: SplitPattern, _ behavior: SplitBehavior,
        _ isInverted: Bool
    ) throws(TokenizerError) {
        let search = try pattern.makeSearch()
        var ranges: [Range<Int>] = []
        for range in words.ranges {
            try behavior.split(words.text, range, by: search, isInverted, into: &ranges)
        }
        words.ranges = ranges
    }

    private func prefixBlanks(_ words: inout Words) {
        let blank = UInt8(ascii: " ")
        var text: [UInt8] = []
        var ranges: [Range<Int>] = []
        for range in words.ranges {
            let start = text.count
            if words.text[range.lowerBound] != blank { text.append(blank) }
            text += words.text[range]
            ranges.append(start..<text.count)
        }
        words = Words(text: text, ranges: ranges)
    }
}
