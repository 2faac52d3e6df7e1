// The hash of the tokenizer's two tables (station 2 of the walk). Its seed is drawn at start, so
// that no file can be written to make all keys collide; results never depend on it. The standard
// library's hasher is as safe but several times slower on keys this short.

/// A hash of short keys under a random seed.
struct SeededHash: Sendable {
    private let seed = UInt64.random(in: .min ... .max)

    /// The hash of a number.
    func callAsFunction(_ key: UInt64) -> UInt64 {
        Self.fold(key ^ seed, 0x9E37_79B9_7F4A_7C15)
    }

    /// The hash of a range of bytes.
    func callAsFunction(_ bytes: borrowing [UInt8], _ range: Range<Int>) -> UInt64 {
        var state = seed ^ UInt64(truncatingIfNeeded: range.count)
        for index in range { state = (state ^ UInt64(bytes[index])) &* 0x0000_0100_0000_01B3 }
        return Self.fold(state, 0x9E37_79B9_7F4A_7C15)
    }

    /// Both halves of the full product: each bit of the key reaches each bit of the hash.
    private static func fold(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right)
        return product.high ^ product.low
    }
}
