// From tokens to text while they are generated (station 12 of the walk). Only whole characters
// leave it. It does not look for stop strings; StopMatcher does.

/// An incremental decoder of one sequence.
///
/// All that it emits, joined, is what `Tokenizer.decode` makes of all tokens at once.
public struct Detokenizer: Sendable {
    private let tokenizer: Tokenizer
    private let skipsSpecialTokens: Bool
    private var stream: DecodingStream
    private var strips: [StripStep.Stream]

    /// Starts a text, or goes on after the tokens of one. What a decoder does at a beginning only,
    /// such as to take a blank away, was done to those then.
    public init(
        _ tokenizer: Tokenizer, skipSpecialTokens: Bool = true,
        after tokens: some Sequence<Int32> = EmptyCollection()
    ) {
        self.tokenizer = tokenizer
        skipsSpecialTokens = skipSpecialTokens
        let isAtStart = tokens.allSatisfy { skipSpecialTokens && tokenizer.isSpecial($0) }
        stream = DecodingStream(tokenizer.decoder, isAtStart: isAtStart)
        strips = tokenizer.decoder.strips.map { StripStep.Stream($0, isAtStart: isAtStart) }
    }

    /// Takes the next token and returns the characters that are complete now. Bytes of a character
    /// that may still be completed wait; bytes that cannot become one are U+FFFD at once. Byte
    /// tokens of SentencePiece's models wait for the end of their run.
    public mutating func append(_ id: Int32) -> String {
        if skipsSpecialTokens, tokenizer.isSpecial(id) { return "" }
        stream.append(id, of: tokenizer.vocabulary)
        if stream.bytes.isEmpty { return "" }
        return take(stream.bytes.count - Self.openBytes(stream.bytes))
    }

    /// Ends the text: what still waits is complete or U+FFFD.
    public mutating func finish() -> String {
        stream.finish()
        return take(stream.bytes.count)
    }

    private mutating func take(_ count: Int) -> String {
        let text = String(decoding: stream.bytes[..<count], as: UTF8.self)
        stream.bytes.removeFirst(count)
        if strips.isEmpty { return text }
        var characters = Array(text.utf8)
        for index in strips.indices { characters = strips[index].append(characters) }
        return String(decoding: characters, as: UTF8.self)
    }

    /// How many bytes at the end are the beginning of one character that more bytes can complete.
    ///
    /// Source: table 3-7 of the Unicode Standard.
    private static func openBytes(_ bytes: [UInt8]) -> Int {
        for count in 1...3 where count <= bytes.count {
            let first = bytes[bytes.count - count]
            if first & 0xC0 == 0x80 { continue }
            let length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2
            guard (0xC2...0xF4).contains(first), count < length else { return 0 }
            if count == 1 { return 1 }
            return secondByte(after: first).contains(bytes[bytes.count - count + 1]) ? count : 0
        }
        return 0
    }

    /// The bytes that may stand second in a character of three or four.
    private static func secondByte(after first: UInt8) -> ClosedRange<UInt8> {
        switch first {
        case 0xE0: 0xA0...0xBF
        case 0xED: 0x80...0x9F
        case 0xF0: 0x90...0xBF
        case 0xF4: 0x80...0x8F
        default: 0x80...0xBF
        }
    }
}
