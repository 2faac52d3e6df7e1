// The characters that joined Unicode after the tables of Debian's PCRE2 were made (station 2 of the
// walk), so that patterns split them as `tokenizers` does, whose tables are of Unicode 16. It
// serves PatternTranslator and matches nothing.

/// Characters of Unicode 15.0 to 16.0, by property, as ranges of a PCRE2 class.
enum YoungCharacters {
    /// The ranges to add to a general category of one or two letters, or to the script Han; empty
    /// where there are none.
    static func ranges(of property: String) -> String {
        var ranges: [ClosedRange<UInt32>] = []
        for (scalar, category) in scalars where matches(scalar, category, property) {
            if let last = ranges.last, last.upperBound + 1 == scalar.value {
                ranges[ranges.count - 1] = last.lowerBound...scalar.value
            } else {
                ranges.append(scalar.value...scalar.value)
            }
        }
        return ranges.map { range in
            let low = "\\x{\(String(range.lowerBound, radix: 16))}"
            let high = "\\x{\(String(range.upperBound, radix: 16))}"
            return range.count == 1 ? low : "\(low)-\(high)"
        }.joined()
    }

    private static func matches(
        _ scalar: Unicode.Scalar, _ category: String, _ property: String
    ) -> Bool {
        property == "Han"
            ? scalar.properties.isUnifiedIdeograph : category.hasPrefix(property)
    }

    /// All of them; those of planes 4 to 13 are none.
    private static let scalars: [(Unicode.Scalar, String)] = (UInt32(0x300)..<0x33000).compactMap {
        guard let scalar = Unicode.Scalar($0), let age = scalar.properties.age,
            (15, 0) <= (age.major, age.minor), (age.major, age.minor) <= (16, 0)
        else { return nil }
        return (scalar, scalar.properties.generalCategory.shortName)
    }
}

extension Unicode.GeneralCategory {
    /// The name of two letters, such as `Lu`.
    var shortName: String {
        switch self {
        case .uppercaseLetter: "Lu"
        case .lowercaseLetter: "Ll"
        case .titlecaseLetter: "Lt"
        case .modifierLetter: "Lm"
        case .otherLetter: "Lo"
        case .nonspacingMark: "Mn"
        case .spacingMark: "Mc"
        case .enclosingMark: "Me"
        case .decimalNumber: "Nd"
        case .letterNumber: "Nl"
        case .otherNumber: "No"
        case .connectorPunctuation: "Pc"
        case .dashPunctuation: "Pd"
        case .openPunctuation: "Ps"
        case .closePunctuation: "Pe"
        case .initialPunctuation: "Pi"
        case .finalPunctuation: "Pf"
        case .otherPunctuation: "Po"
        case .mathSymbol: "Sm"
        case .currencySymbol: "Sc"
        case .modifierSymbol: "Sk"
        case .otherSymbol: "So"
        case .spaceSeparator: "Zs"
        case .lineSeparator: "Zl"
        case .paragraphSeparator: "Zp"
        case .control: "Cc"
        case .format: "Cf"
        case .surrogate: "Cs"
        case .privateUse: "Co"
        case .unassigned: "Cn"
        @unknown default: "Cn"
        }
    }
}
