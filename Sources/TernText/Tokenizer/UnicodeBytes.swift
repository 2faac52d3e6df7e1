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
    /// Whether the character is part of a word, as `\w` of Unicode Technical Standard 18 has it,
    /// in the tables of Unicode 16.
    var isWordPart: Bool {
        if isYoungerThan(major: 16) { return false }
        switch properties.generalCategory {
        case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation:
            return true
        default: return properties.isAlphabetic || properties.isJoinControl
        }
    }

    /// Whether the character is a combining mark of Unicode 9.
    var wasMark: Bool {
        switch value {
        case 0x1CF2, 0x1CF3: return true  // Letters since Unicode 12.
        case 0x111C9: return false  // Punctuation until Unicode 11.
        default: break
        }
        return isMark && !isYoungerThan(major: 9)
    }

    /// Whether the character is punctuation of Unicode 8 or, symbols among it, of ASCII.
    var wasPunctuation: Bool {
        switch value {
        case 0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E: return true
        case ..<0x80: return false
        case 0x166D, 0x111C9: return true  // A symbol since Unicode 12, a mark since Unicode 11.
        default: break
        }
        switch properties.generalCategory {
        case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation,
            .initialPunctuation, .finalPunctuation, .otherPunctuation:
            return !isYoungerThan(major: 8)
        default: return false
        }
    }

    /// Whether the character is a digit or another number.
    var isNumber: Bool {
        if value < 0x80 { return (0x30...0x39).contains(value) }
        switch properties.generalCategory {
        case .decimalNumber, .letterNumber, .otherNumber: return true
        default: return false
        }
    }

    private var isMark: Bool {
        switch properties.generalCategory {
        case .nonspacingMark, .spacingMark, .enclosingMark: true
        default: false
        }
    }

    /// Whether the character joined Unicode after a major version.
    func isYoungerThan(major: Int) -> Bool {
        guard value >= 0x300, let age = properties.age else { return false }
        return age.major > major
    }

    /// How many bytes the character has in UTF-8.
    var utf8Count: Int { UTF8.width(self) }
}
