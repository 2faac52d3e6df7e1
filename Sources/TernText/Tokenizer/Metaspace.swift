// SentencePiece's way with blanks: they are written as a visible character, by which text is cut
// (station 2 of the walk). TokenDecoder reads them back.

/// The Metaspace pre-tokenizer.
struct Metaspace: Sendable {
    /// Before which words the character is put.
    enum PrependScheme: String, Sendable {
        case always, first, never
    }

    /// The character that stands for a blank.
    var replacement: [UInt8]
    var prependScheme: PrependScheme
    /// Whether a word ends before each such character.
    var splits: Bool

    /// Reads what pre-tokenizer and decoder have in common. Older files say `add_prefix_space`.
    init(_ field: TokenizerField) throws(TokenizerError) {
        replacement = Array(
            String(try field["replacement"]?.character() ?? "\u{2581}").utf8)
        let prefixes = try field.bool("add_prefix_space", default: true)
        prependScheme = prefixes ? .always : .never
        if let scheme = field["prepend_scheme"] {
            guard let known = PrependScheme(rawValue: try scheme.string()) else {
                throw scheme.failure("\"always\", \"first\" or \"never\" is expected", found: true)
            }
            prependScheme = known
        }
        splits = try field.bool("split", default: true)
    }

    /// Rewrites and cuts words.
    ///
    /// - Parameter isAtStart: Whether the first word is the beginning of what is encoded.
    func apply(_ words: inout PreTokenizer.Words, isAtStart: Bool) {
        var text: [UInt8] = []
        text.reserveCapacity(words.text.count * 3 / 2)
        var ranges: [Range<Int>] = []
        for (number, range) in words.ranges.enumerated() {
            let start = text.count
            let isMarked = starts(with: words.text, range)
            if !isMarked, prepends(isFirst: number == 0 && isAtStart) { text += replacement }
            for index in range {
                if words.text[index] == UInt8(ascii: " ") {
                    text += replacement
                } else {
                    text.append(words.text[index])
                }
            }
            if splits { cut(text, start, into: &ranges) } else { ranges.append(start..<text.count) }
        }
        words = PreTokenizer.Words(text: text, ranges: ranges)
    }

    private func prepends(isFirst: Bool) -> Bool {
        switch prependScheme {
        case .always: true
        case .first: isFirst
        case .never: false
        }
    }

    private func starts(with text: [UInt8], _ range: Range<Int>) -> Bool {
        text[range.lowerBound] == UInt8(ascii: " ") || text[range].starts(with: replacement)
    }

    private func cut(_ text: [UInt8], _ start: Int, into ranges: inout [Range<Int>]) {
        var word = start
        var index = start
        while index < text.count {
            if text[index] == replacement[0], text[index...].starts(with: replacement) {
                if word < index { ranges.append(word..<index) }
                word = index
                index += replacement.count
            } else {
                index += 1
            }
        }
        if word < index { ranges.append(word..<index) }
    }
}
