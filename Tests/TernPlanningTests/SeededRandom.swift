// Random numbers for property tests, the same for the same seed. Each test runs some fixed seeds
// and a fresh one, and prints it, so that a failure can be run again.

/// The SplitMix64 generator.
///
/// Source: Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, OOPSLA '14.
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return Self.mix(state)
    }

    /// Whether an event of this probability, in percent, happens.
    mutating func happens(percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }

    /// Scatters the bits of a number.
    static func mix(_ value: UInt64) -> UInt64 {
        var bits = value
        bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        return bits ^ (bits >> 31)
    }

    /// Fixed seeds, and one that no run has seen before.
    static func seeds(_ count: UInt64) -> [UInt64] {
        Array(1...count) + [UInt64.random(in: 0...UInt64.max)]
    }
}
