// The normalizer of tokenizer.json (station 2 of the walk): what happens to text between added
// tokens before it is cut into words. It keeps who wrote what; it cuts nothing.

/// The normalizer as a row of steps.
///
/// Source: checked against `tokenizers` (normalizers).
struct Normalizer: Sendable {
    /// One change to a text.
    enum Step: Sendable {
        case form(UnicodeNormalizer)
        case lowercase
        case stripAccents
        /// White space goes from the left end, the right end, or both.
        case strip(left: Bool, right: Bool)
        /// A text is put before one that is not empty.
        case prepend([UInt8])
        case replaceText([UInt8], with: [UInt8])
        case replacePattern(SplitPattern, with: [UInt8])
        case precompiled(CharacterMap)
    }

    let steps: [Step]

    /// The normalized text.
    ///
    /// Throws: where a pattern takes too many steps, or the text grows too long.
    func callAsFunction(_ text: MarkedText) throws(TokenizerError) -> MarkedText {
        var text = text
        for step in steps {
            text = try Self.apply(step, text)
            try Self.checkLength(text.bytes.count)
        }
        return text
    }

    private static func checkLength(_ count: Int) throws(TokenizerError) {
        guard count <= Tokenizer.maximumTextBytes else {
            throw TokenizerError(
                "a normalized text of \(count) bytes; at most \(Tokenizer.maximumTextBytes) are "
                    + "encoded; shorten the text")
        }
    }

    private static func apply(
        _ step: Step, _ text: MarkedText
    ) throws(TokenizerError) -> MarkedText {
        switch step {
        case .form(let form): text.changed { form($0) }
        case .lowercase: text.changed(lowercased)
        case .stripAccents: text.edited(accents(in: text.bytes))
        case .strip(let left, let right): text.edited(blanks(around: text.bytes, left, right))
        case .prepend(let content):
            text.bytes.isEmpty ? text : text.edited([.init(range: 0..<0, content: content)])
        case .replaceText(let pattern, let content):
            try replaced(text, text.bytes.ranges(ofBytes: pattern), content)
        case .replacePattern(let pattern, let content):
            try replaced(text, matches(pattern, text.bytes), content)
        case .precompiled(let map): text.edited(map.edits(of: text.bytes))
        }
    }

    /// Puts one content in the place of several ranges, unless that is too much.
    private static func replaced(
        _ text: MarkedText, _ ranges: [Range<Int>], _ content: [UInt8]
    ) throws(TokenizerError) -> MarkedText {
        let added = ranges.count.multipliedReportingOverflow(by: content.count)
        try checkLength(added.overflow ? .max : added.partialValue)
        return text.edited(ranges.map { .init(range: $0, content: content) })
    }

    private static func matches(
        _ pattern: SplitPattern, _ text: [UInt8]
    ) throws(TokenizerError) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        try pattern.makeSearch().forEachMatch(in: text, text.indices) { ranges.append($0) }
        return ranges
    }

    private static func lowercased(_ text: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(text.count)
        var index = 0
        while index < text.count {
            let byte = text[index]
            if byte < 0x80 {
                result.append((0x41...0x5A).contains(byte) ? byte | 0x20 : byte)
                index += 1
            } else {
                let scalar = text.scalar(at: index)
                result += scalar.properties.lowercaseMapping.utf8
                index += scalar.utf8Count
            }
        }
        return result
    }

    /// Removes combining marks, as the tables of `tokenizers`, of Unicode 9, have them.
    private static func accents(in text: [UInt8]) -> [MarkedText.Edit] {
        var edits: [MarkedText.Edit] = []
        var index = 0
        while index < text.count {
            // No mark is below U+0300, whose first byte is 0xCC.
            guard text[index] >= 0xCC else {
                index += 1
                continue
            }
            let scalar = text.scalar(at: index)
            if scalar.wasMark {
                edits.append(.init(range: index..<index + scalar.utf8Count, content: []))
            }
            index += scalar.utf8Count
        }
        return edits
    }

    private static func blanks(
        around text: [UInt8], _ left: Bool, _ right: Bool
    ) -> [MarkedText.Edit] {
        var start = 0
        while left, start < text.count, case let scalar = text.scalar(at: start),
            scalar.properties.isWhitespace
        {
            start += scalar.utf8Count
        }
        var end = text.count
        while right, end > start, case let last = text.scalarStart(before: end),
            text.scalar(at: last).properties.isWhitespace
        {
            end = last
        }
        return [0..<start, end..<text.count].filter { !$0.isEmpty }.map {
            .init(range: $0, content: [])
        }
    }
}

extension [UInt8] {
    /// Where a byte string that is not empty stands, from left to right, without overlaps.
    func ranges(ofBytes pattern: [UInt8]) -> [Range<Int>] {
        guard let first = pattern.first, pattern.count <= count else { return [] }
        var ranges: [Range<Int>] = []
        var index = 0
        while index <= count - pattern.count {
            if self[index] == first, self[index..<index + pattern.count].elementsEqual(pattern) {
                ranges.append(index..<index + pattern.count)
                index += pattern.count
            } else {
                index += 1
            }
        }
        return ranges
    }
}
