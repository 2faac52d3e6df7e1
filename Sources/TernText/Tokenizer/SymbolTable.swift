// The symbols from which a model builds its tokens (station 2 of the walk): one for each byte of
// byte-level text, else one for each character, with what stands in for those it lacks. It merges
// nothing.

/// The tokens of single bytes or characters.
struct SymbolTable: Sendable {
    /// Stands for no token.
    static let absent: Int32 = -1

    let vocabulary: Vocabulary
    /// The tokens `<0x00>` to `<0xFF>`, where the model falls back on them.
    let byteTokens: [Int32]?
    private let oneByteSymbols: [Int32]

    /// Finds the symbols of a vocabulary.
    init(_ vocabulary: Vocabulary, fallsBackOnBytes: Bool) {
        self.vocabulary = vocabulary
        oneByteSymbols = (0...255).map { vocabulary.id(spelling: [$0], 0..<1) ?? Self.absent }
        byteTokens =
            !fallsBackOnBytes
            ? nil
            : (0...255).map { byte in
                let digits = String(byte, radix: 16, uppercase: true)
                return vocabulary.id(of: "<0x\(byte < 16 ? "0" : "")\(digits)>") ?? Self.absent
            }
    }

    /// Whether each byte is a symbol.
    var hasEveryByte: Bool { !oneByteSymbols.contains(Self.absent) }

    /// How many bytes the character at a place has: one, where bytes are the characters.
    func width(_ text: borrowing [UInt8], _ index: Int) -> Int {
        let byte = text[index]
        if byte < 0x80 || vocabulary.spelling == .byteAlphabet { return 1 }
        return byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4
    }

    /// The token of a character; `absent` where there is none.
    func symbol(_ text: borrowing [UInt8], _ range: Range<Int>) -> Int32 {
        range.count == 1
            ? oneByteSymbols[Int(text[range.lowerBound])]
            : vocabulary.id(spelling: text, range) ?? Self.absent
    }

    /// Appends the tokens of bytes, if each has one.
    func appendBytes(
        _ text: borrowing [UInt8], _ range: Range<Int>, to ids: inout [Int32]
    ) -> Bool {
        guard let byteTokens else { return false }
        for index in range where byteTokens[Int(text[index])] == Self.absent { return false }
        for index in range { ids.append(byteTokens[Int(text[index])]) }
        return true
    }
}
