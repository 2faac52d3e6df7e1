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
        /// Puts a blank before each word that has none.
        case prefixBlank
    }

    /// A text and the words in it.
    struct Words {
        var text: [UInt8]
        var ranges: [Range<Int>]
    }

    let steps: [Step]

    /// The words of a text.
    func words(of text: [UInt8]) throws(TokenizerError) -> Words {
        var words = Words(text: text, ranges: text.isEmpty ? [] : [text.indices])
        for step in steps {
            switch step {
            case .prefixBlank: prefixBlanks(&words)
            case .split(let pattern, let behavior, let isInverted):
                let search = try pattern.makeSearch()
                var ranges: [Range<Int>] = []
                for range in words.ranges {
                    try behavior.split(words.text, range, by: search, isInverted, into: &ranges)
                }
                words.ranges = ranges
            }
        }
        return words
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

/// What becomes of the text that a pattern matches.
enum SplitBehavior: String, Sendable {
    case removed = "Removed"
    case isolated = "Isolated"
    case mergedWithPrevious = "MergedWithPrevious"
    case mergedWithNext = "MergedWithNext"
    case contiguous = "Contiguous"

    /// Appends the words of one word, cut where a pattern matches or, inverted, where it does not.
    fileprivate func split(
        _ text: [UInt8], _ range: Range<Int>, by search: borrowing SplitPattern.Search,
        _ isInverted: Bool, into words: inout [Range<Int>]
    ) throws(TokenizerError) {
        var parts: [(range: Range<Int>, isMatch: Bool)] = []
        var end = range.lowerBound
        try search.forEachMatch(in: text, range) { match in
            if end < match.lowerBound { parts.append((end..<match.lowerBound, isInverted)) }
            parts.append((match, !isInverted))
            end = match.upperBound
        }
        if end < range.upperBound { parts.append((end..<range.upperBound, isInverted)) }
        for word in arranged(parts) where !word.isEmpty { words.append(word) }
    }

    private func arranged(_ parts: [(range: Range<Int>, isMatch: Bool)]) -> [Range<Int>] {
        switch self {
        case .isolated: return parts.map { $0.range }
        case .removed: return parts.filter { !$0.isMatch }.map { $0.range }
        case .contiguous: return joined(parts) { $0 == $1 }
        case .mergedWithPrevious: return joined(parts) { !$0 && $1 }
        case .mergedWithNext:
            return joined(parts.reversed()) { !$0 && $1 }.reversed()
        }
    }

    /// Joins each part to its neighbour before it where a rule on both says so; the first part has
    /// a neighbour that is no match, but nothing to be joined to.
    private func joined(
        _ parts: [(range: Range<Int>, isMatch: Bool)], where isJoined: (Bool, Bool) -> Bool
    ) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        var previous = false
        for (range, isMatch) in parts {
            if isJoined(previous, isMatch), let last = ranges.popLast() {
                let low = min(last.lowerBound, range.lowerBound)
                ranges.append(low..<max(last.upperBound, range.upperBound))
            } else {
                ranges.append(range)
            }
            previous = isMatch
        }
        return ranges
    }
}
