// Random numbers that are a function of a seed and an index, never of a stream: any element can be
// made alone, by any worker, on any device. Used for dummy weights; not for sampling tokens.

/// Approximately normal numbers by index.
///
/// Each is the sum of the four 16-bit pieces of one 64-bit hash (Irwin-Hall), centred and scaled.
/// Source: the hash is SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
public struct SeededNormal: Sendable {
    /// Chooses the sequence.
    public let seed: UInt64
    /// What one step of the sum of pieces is worth: the deviation asked for, over the sum's own.
    public let step: Float
    /// The mean of the sum of four 16-bit pieces.
    public static let mean: Int32 = 131_070

    /// Numbers of a deviation.
    public init(seed: UInt64, deviation: Float) {
        self.seed = seed
        // The square root of 4 (2^32 - 1) / 12 is the deviation of the sum.
        step = deviation / 37837.227
    }

    /// The seed under which the numbers from an index on begin at 0.
    public static func seed(_ seed: UInt64, from index: Int) -> UInt64 {
        seed &+ UInt64(truncatingIfNeeded: index) &* increment
    }

    /// What an index counts in the sum that is hashed.
    private static let increment: UInt64 = 0x9E37_79B9_7F4A_7C15

    /// The number at an index.
    public subscript(index: Int) -> Float {
        var hash = seed &+ (UInt64(truncatingIfNeeded: index) &+ 1) &* Self.increment
        hash = (hash ^ hash >> 30) &* 0xBF58_476D_1CE4_E5B9
        hash = (hash ^ hash >> 27) &* 0x94D0_49BB_1331_11EB
        hash ^= hash >> 31
        let sum = (hash & 0xFFFF) + (hash >> 16 & 0xFFFF) + (hash >> 32 & 0xFFFF) + (hash >> 48)
        return Float(Int32(sum) - Self.mean) * step
    }
}
