// What becomes of a word that a pattern cuts (station 2 of the walk). It arranges ranges of a text;
// it searches for nothing itself.

/// What becomes of the text that a pattern matches.
enum SplitBehavior: String, Sendable {
    case removed = "Removed"
    case isolated = "Isolated"
    case mergedWithPrevious = "MergedWithPrevious"
    case mergedWithNext = "MergedWithNext"
    case contiguous = "Contiguous"

    /// A stretch of a word.
    typealias Part = (range: Range<Int>, isMatch: Bool)

    /// Appends the words of one word, cut where a pattern matches or, inverted, where it does not.
    func split(
        _ text: [UInt8], _ range: Range<Int>, by search: borrowing SplitPattern.Search,
        _ isInverted: Bool, into words: inout [Range<Int>]
    ) throws(TokenizerError) {
        var parts: [Part] = []
        var end = range.lowerBound
        try search.forEachMatch(in: text, range) { match in
            if end < match.lowerBound { parts.append((end..<match.lowerBound, isInverted)) }
            parts.append((match, !isInverted))
            end = match.upperBound
        }
        if end < range.upperBound { parts.append((end..<range.upperBound, isInverted)) }
        for word in arranged(parts) where !word.isEmpty { words.append(word) }
    }

    /// The words that parts in order become.
    func arranged(_ parts: [Part]) -> [Range<Int>] {
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
        _ parts: [Part], where isJoined: (Bool, Bool) -> Bool
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
