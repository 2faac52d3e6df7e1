// Finds punctuation, numbers and words by the properties of characters, for the steps of
// PreTokenizer that bring no pattern along (station 2 of the walk). It scans one word at a time.

/// Scans of a range of a text.
enum WordScan {
    private enum Kind {
        case blank, word, other
    }

    /// Characters at which words are cut.
    enum Separator: Sendable {
        case punctuation, number

        fileprivate func matches(_ scalar: Unicode.Scalar) -> Bool {
            switch self {
            case .punctuation: scalar.wasPunctuation
            case .number: scalar.isNumber
            }
        }
    }

    /// The stretches of a range; each separator is a match.
    static func parts(
        of text: [UInt8], _ range: Range<Int>, by separator: Separator
    ) -> [SplitBehavior.Part] {
        var parts: [SplitBehavior.Part] = []
        var start = range.lowerBound
        var index = start
        while index < range.upperBound {
            let scalar = text.scalar(at: index)
            let end = index + scalar.utf8Count
            if separator.matches(scalar) {
                if start < index { parts.append((start..<index, false)) }
                parts.append((index..<end, true))
                start = end
            }
            index = end
        }
        if start < index { parts.append((start..<index, false)) }
        return parts
    }

    /// The runs of word characters, and of characters that are neither those nor white space.
    static func words(in text: [UInt8], _ range: Range<Int>) -> [Range<Int>] {
        var words: [Range<Int>] = []
        var start = range.lowerBound
        var index = start
        var previous = Kind.blank
        while index < range.upperBound {
            let scalar = text.scalar(at: index)
            let kind = kind(scalar)
            if kind != previous {
                if previous != .blank { words.append(start..<index) }
                start = index
                previous = kind
            }
            index += scalar.utf8Count
        }
        if previous != .blank { words.append(start..<index) }
        return words
    }

    private static func kind(_ scalar: Unicode.Scalar) -> Kind {
        if scalar.isWordPart { return .word }
        return scalar.properties.isWhitespace ? .blank : .other
    }
}
