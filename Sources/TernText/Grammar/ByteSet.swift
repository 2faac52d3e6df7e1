// The bytes that may come next at one place of a grammar.

/// A set of bytes.
struct ByteSet: Hashable, Sendable {
    private var words = SIMD4<UInt64>()

    init(_ bytes: some Sequence<UInt8>) {
        for byte in bytes { insert(byte) }
    }

    init(_ ranges: ClosedRange<UInt8>...) {
        for range in ranges { for byte in range { insert(byte) } }
    }

    /// Every byte.
    static let all = ByteSet(0x00...0xFF)
    static let digits = ByteSet(0x30...0x39)
    static let hexDigits = ByteSet(0x30...0x39, 0x41...0x46, 0x61...0x66)

    var isEmpty: Bool { words == SIMD4() }

    func contains(_ byte: UInt8) -> Bool {
        words[Int(byte >> 6)] >> UInt64(byte & 63) & 1 == 1
    }

    mutating func insert(_ byte: UInt8) { words[Int(byte >> 6)] |= 1 << UInt64(byte & 63) }

    func subtracting(_ other: ByteSet) -> ByteSet {
        var set = self
        set.words = words & ~other.words
        return set
    }
}
