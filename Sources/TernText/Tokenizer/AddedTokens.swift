// Cuts added tokens out of a text (station 2 of the walk), first in the text as it came, then,
// those that ask for it, in the normalized text. Control tokens are found in the template's text
// only. It does not normalize and does not encode what lies between.

/// The added tokens that are looked for in one form of the text.
///
/// Of several at a place the longest counts; what it covers is not searched again.
///
/// Source: checked against `tokenizers` (added_vocabulary.rs), its handling of overlapping white
/// space included.
struct AddedTokens: Sendable {
    /// A stretch of text: a token, or text between tokens.
    enum Piece: Equatable {
        case token(Int32)
        case text(Range<Int>)
    }

    private let tokens: [(token: AddedToken, id: Int32)]
    private let trie: TokenTrie

    /// Takes tokens, each with the form in which it is looked for.
    init(_ entries: [(token: AddedToken, id: Int32, form: [UInt8])]) {
        tokens = entries.map { ($0.token, $0.id) }
        trie = TokenTrie(entries.enumerated().map { ($1.form, Int32($0)) })
    }

    /// Cuts a text into tokens and the text between them; empty stretches are left out.
    func split(_ text: MarkedText) -> [Piece] {
        let bytes = text.bytes
        var pieces: [Piece] = []
        var done = 0
        var blanksEnd = 0
        var position = 0
        while let place = trie.candidate(in: bytes, from: position) {
            guard let match = longest(at: place, in: text) else {
                position = place + 1
                continue
            }
            position = match.end
            let (token, id) = tokens[match.number]
            var (start, end) = (place, match.end)
            if token.isControl, text.origin(of: start..<end) == .literal { continue }
            if token.isSingleWord, !standsAlone(start..<end, bytes) { continue }
            if token.stripsLeft { start = max(done, skipBlanks(before: start, to: done, bytes)) }
            if token.stripsRight {
                if end > blanksEnd { blanksEnd = skipBlanks(after: end, bytes) }
                end = blanksEnd
            }
            if done < start { pieces.append(.text(done..<start)) }
            if start < end { pieces.append(.token(id)) }
            done = end
        }
        if done < bytes.count { pieces.append(.text(done..<bytes.count)) }
        return pieces
    }

    /// The longest token at a place. A control token that the template has in part only is passed
    /// over: it must not swallow one that the template has as a whole.
    private func longest(at place: Int, in text: MarkedText) -> (number: Int, end: Int)? {
        trie.longest(in: text.bytes, at: place) { number, end in
            !tokens[number].token.isControl || text.origin(of: place..<end) != .mixed
        }
    }

    private func standsAlone(_ range: Range<Int>, _ bytes: [UInt8]) -> Bool {
        if range.lowerBound > 0,
            bytes.scalar(at: bytes.scalarStart(before: range.lowerBound)).isWordPart
        {
            return false
        }
        return range.upperBound == bytes.count || !bytes.scalar(at: range.upperBound).isWordPart
    }

    /// Where the white space that ends at a place starts, at the earliest at a limit. The limit may
    /// lie behind the place, for white space that the token before took along.
    private func skipBlanks(before end: Int, to limit: Int, _ bytes: [UInt8]) -> Int {
        var start = end
        while start > limit {
            let previous = bytes.scalarStart(before: start)
            guard bytes.scalar(at: previous).properties.isWhitespace else { break }
            start = previous
        }
        return start
    }

    private func skipBlanks(after start: Int, _ bytes: [UInt8]) -> Int {
        var end = start
        while end < bytes.count, case let scalar = bytes.scalar(at: end),
            scalar.properties.isWhitespace
        {
            end += scalar.utf8Count
        }
        return end
    }
}
