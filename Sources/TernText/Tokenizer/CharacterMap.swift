// SentencePiece's table of characters to be replaced, the `precompiled_charsmap` of tokenizer.json
// (station 2 of the walk). The file is not trusted: each index is checked. It makes no edits of
// its own; Normalizer applies them.

/// A map from short texts to their replacements: a double array and the texts it points into.
///
/// Source: SentencePiece's normalizer.cc and Darts-clone (the layout of a unit); which text is
/// looked up (a short grapheme cluster, else each character; of several prefixes the shortest) was
/// checked against `tokenizers`.
struct CharacterMap: Sendable {
    private let units: [UInt32]
    private let texts: [UInt8]

    /// Longer replacements are refused: a text of characters with such would fill the memory.
    private static let maximumReplacementBytes = 256
    /// Longer clusters are looked up character by character.
    private static let clusterBytes = 5

    /// Reads a map in Base64.
    init(_ field: TokenizerField) throws(TokenizerError) {
        guard let bytes = Self.decodeBase64(Array(try field.string().utf8)) else {
            throw field.failure("the text is not Base64")
        }
        guard bytes.count >= 4, case let size = Int(Self.word(bytes, 0)), size <= bytes.count - 4
        else { throw field.failure("the map of \(bytes.count) bytes is cut off") }
        units = (0..<size / 4).map { Self.word(bytes, 4 + 4 * $0) }
        texts = Array(bytes[(4 + size / 4 * 4)...])
        do { _ = try UTF8Span(validating: texts.span) } catch {
            throw field.failure("the map's replacements are not UTF-8")
        }
        let longest = texts.split(separator: 0).map(\.count).max() ?? 0
        guard longest <= Self.maximumReplacementBytes else {
            throw field.failure(
                "a replacement of \(longest) bytes; at most \(Self.maximumReplacementBytes) are "
                    + "supported")
        }
    }

    /// The changes to a text.
    func edits(of text: [UInt8]) -> [MarkedText.Edit] {
        var edits: [MarkedText.Edit] = []
        var index = 0
        while index < text.count {
            let end = simpleEnd(text, index)
            if end == index + 1 {
                replace(index..<end, text, &edits)
            } else {
                replaceClusters(index..<end, text, &edits)
            }
            index = end
        }
        return edits
    }

    /// The end of a stretch that starts between two clusters: one character, where both it and the
    /// next are of ASCII, or all up to two such characters.
    private func simpleEnd(_ text: [UInt8], _ start: Int) -> Int {
        var end = start + 1
        while end < text.count {
            let isPlain = text[end - 1] < 0x80 && text[end] < 0x80
            let isLineEnd = text[end - 1] == 0x0D && text[end] == 0x0A
            if isPlain && !isLineEnd { break }
            end += 1
        }
        return end
    }

    private func replaceClusters(
        _ range: Range<Int>, _ text: [UInt8], _ edits: inout [MarkedText.Edit]
    ) {
        var start = range.lowerBound
        for cluster in String(decoding: text[range], as: UTF8.self) {
            let end = start + cluster.utf8.count
            if end - start > Self.clusterBytes || !replace(start..<end, text, &edits) {
                while start < end {
                    let next = start + text.scalar(at: start).utf8Count
                    replace(start..<next, text, &edits)
                    start = next
                }
            }
            start = end
        }
    }

    @discardableResult
    private func replace(
        _ range: Range<Int>, _ text: [UInt8], _ edits: inout [MarkedText.Edit]
    ) -> Bool {
        guard let content = replacement(of: range, text) else { return false }
        edits.append(.init(range: range, content: content))
        return true
    }

    /// The replacement of the shortest prefix that the map holds.
    private func replacement(of range: Range<Int>, _ text: [UInt8]) -> [UInt8]? {
        guard let root = units.first else { return nil }
        var node = Self.offset(root)
        for index in range {
            let byte = UInt32(text[index])
            if byte == 0 { return nil }
            node ^= byte
            guard node < units.count, case let unit = units[Int(node)],
                unit & 0x8000_00FF == byte
            else { return nil }
            node ^= Self.offset(unit)
            if unit >> 8 & 1 == 1 {
                guard node < units.count else { return nil }
                return content(at: Int(units[Int(node)] & 0x7FFF_FFFF))
            }
        }
        return nil
    }

    /// The text that starts at a place and ends before a zero byte.
    private func content(at start: Int) -> [UInt8]? {
        guard start <= texts.count else { return nil }
        let text = Array(texts[start...].prefix { $0 != 0 })
        return (text.first ?? 0) & 0xC0 == 0x80 ? nil : text
    }

    private static func offset(_ unit: UInt32) -> UInt32 {
        (unit >> 10) << ((unit & 0x200) >> 6)
    }

    private static func word(_ bytes: [UInt8], _ index: Int) -> UInt32 {
        (0..<4).reduce(0) { $0 | UInt32(bytes[index + $1]) << UInt32(8 * $1) }
    }

    /// Source: RFC 4648, with padding.
    private static func decodeBase64(_ text: [UInt8]) -> [UInt8]? {
        guard text.count % 4 == 0 else { return nil }
        let padding = text.reversed().prefix(2).prefix { $0 == UInt8(ascii: "=") }.count
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count / 4 * 3)
        var bits: UInt32 = 0
        for (index, character) in text.dropLast(padding).enumerated() {
            guard let value = digit(character) else { return nil }
            bits = bits << 6 | value
            let place = UInt32(index % 4)
            if place > 0 { bytes.append(UInt8(truncatingIfNeeded: bits >> (6 - 2 * place))) }
        }
        return bytes
    }

    private static func digit(_ character: UInt8) -> UInt32? {
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(character) - 65
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(character) - 97 + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(character) - 48 + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
