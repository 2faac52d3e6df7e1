// Finds stop strings in a text while it is generated (station 12 of the walk). Text that may be the
// beginning of one is held back until that is decided. It does not end the sequence; its caller
// does.

/// A search for the first of several strings, fed in pieces.
///
/// Which string ends first decides; of several that end together, the longest. The result does not
/// depend on how the text is cut into pieces. Strings are compared by bytes; since they and the
/// pieces are whole characters, so is what is emitted.
///
/// Cost: linear in the text for each stop string.
///
/// Source: Knuth, Morris, Pratt 1977.
public struct StopMatcher: Sendable {
    /// One stop string with its failure function and how many of its bytes end the text so far.
    private struct Needle {
        let text: String
        let bytes: [UInt8]
        let fallback: [Int]
        var matched = 0

        init(_ text: String) {
            self.text = text
            bytes = Array(text.utf8)
            var fallback = [0]
            for index in bytes.indices.dropFirst() {
                var length = fallback[index - 1]
                while length > 0, bytes[length] != bytes[index] { length = fallback[length - 1] }
                fallback.append(bytes[length] == bytes[index] ? length + 1 : 0)
            }
            self.fallback = fallback
        }

        mutating func advance(_ byte: UInt8) -> Bool {
            while matched > 0, bytes[matched] != byte { matched = fallback[matched - 1] }
            if bytes[matched] == byte { matched += 1 }
            return matched == bytes.count
        }
    }

    private var needles: [Needle]
    private var held: [UInt8] = []
    private var found: String?

    /// Starts a search; empty strings stop nothing.
    public init(_ stopStrings: [String]) {
        needles = stopStrings.filter { !$0.isEmpty }.map(Needle.init)
    }

    /// Takes more text and returns what is certain not to belong to a stop string, and the stop
    /// string if the text has come to one. After that, nothing is emitted any more.
    public mutating func append(_ text: String) -> (emit: String, matched: String?) {
        if let found { return ("", found) }
        if needles.isEmpty { return (text, nil) }
        for byte in text.utf8 {
            held.append(byte)
            if let length = advance(byte) {
                return (take(held.count - length), found)
            }
        }
        return (take(held.count - (needles.map(\.matched).max() ?? 0)), nil)
    }

    /// Ends the text and returns what was held back; nothing after a match.
    public mutating func finish() -> String {
        defer { held = [] }
        return found == nil ? String(decoding: held, as: UTF8.self) : ""
    }

    /// The length of the longest stop string that ends with this byte.
    private mutating func advance(_ byte: UInt8) -> Int? {
        var longest: Int?
        for index in needles.indices where needles[index].advance(byte) {
            let length = needles[index].bytes.count
            if length > longest ?? 0 { (longest, found) = (length, needles[index].text) }
        }
        return longest
    }

    private mutating func take(_ count: Int) -> String {
        defer { held.removeFirst(count) }
        return String(decoding: held[..<count], as: UTF8.self)
    }
}
