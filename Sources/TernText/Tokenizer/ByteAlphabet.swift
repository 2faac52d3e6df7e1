// The alphabet in which byte-level vocabularies are written: one printable character for each of
// the 256 bytes (station 2 of the walk). It maps between the spelling in files and bytes; it knows
// no tokens.

/// GPT-2's spelling of bytes as characters.
///
/// Printable characters of Latin-1 stand for themselves, the other 68 bytes, in order, for the
/// characters from U+0100.
///
/// Source: `bytes_to_unicode` of GPT-2's encoder.py; checked against `tokenizers`.
enum ByteAlphabet {
    /// The character of each byte.
    static let scalars: [Unicode.Scalar] = {
        var next: UInt8 = 0
        return (UInt8.min...UInt8.max).map { byte in
            if isPrintable(byte) { return Unicode.Scalar(byte) }
            defer { next += 1 }
            return Unicode.Scalar(0x100 + UInt32(next)) ?? Unicode.Scalar(next)
        }
    }()

    private static let bytes: [UInt8?] = {
        var bytes = [UInt8?](repeating: nil, count: 0x100 + 68)
        for (byte, scalar) in scalars.enumerated() { bytes[Int(scalar.value)] = UInt8(byte) }
        return bytes
    }()

    private static func isPrintable(_ byte: UInt8) -> Bool {
        (0x21...0x7E).contains(byte) || (0xA1...0xAC).contains(byte) || byte >= 0xAE
    }

    /// The bytes that a text spells; nil where a character is not of the alphabet.
    static func bytes(of text: String) -> [UInt8]? {
        var spelled: [UInt8] = []
        spelled.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            guard scalar.value < bytes.count, let byte = bytes[Int(scalar.value)] else {
                return nil
            }
            spelled.append(byte)
        }
        return spelled
    }

    /// The spelling of bytes.
    static func text(of bytes: [UInt8]) -> String {
        var text = ""
        for byte in bytes { text.unicodeScalars.append(scalars[Int(byte)]) }
        return text
    }
}
