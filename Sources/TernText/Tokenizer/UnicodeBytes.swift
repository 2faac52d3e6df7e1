// Characters at places in UTF-8 bytes, as the rules of added tokens ask for them (station 2 of the
// walk). The bytes are valid and the places stand between characters.

extension [UInt8] {
    /// The character that starts at a place before the end.
    func scalar(at index: Int) -> Unicode.Scalar {
        let first = UInt32(self[index])
        var count = first < 0x80 ? 1 : 2
        if first >= 0xE0 { count = first < 0xF0 ? 3 : 4 }
        var value = count == 1 ? first : first & (0x7F >> UInt32(count))
        for offset in 1..<count { value = value << 6 | UInt32(self[index + offset]) & 0x3F }
        return Unicode.Scalar(value) ?? "\u{FFFD}"
    }

    /// Where the character starts that ends at a place after the start.
    func scalarStart(before index: Int) -> Int {
        var start = index - 1
        while start > 0, self[start] & 0xC0 == 0x80 { start -= 1 }
        return start
    }
}

extension Unicode.Scalar {
    /// Whether the character is part of a word, as `\w` of Unicode Technical Standard 18 has it.
    var isWordPart: Bool {
        switch properties.generalCategory {
        case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation:
            true
        default: properties.isAlphabetic || properties.isJoinControl
        }
    }

    /// How many bytes the character has in UTF-8.
    var utf8Count: Int { UTF8.width(self) }
}
