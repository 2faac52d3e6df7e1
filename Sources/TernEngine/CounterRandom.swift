// Random numbers as a function of what they are for, not of what was drawn before: so the batch, a
// preemption or a restart cannot change what a request draws.

/// The random number of one draw.
enum CounterRandom {
    /// A number in 0..<1 that depends on the request's seed, the choice and the position alone.
    ///
    /// Source: the finalizer of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014), once per key.
    static func uniform(seed: UInt64, choice: Int, position: Int) -> Double {
        var state = mix(seed)
        state = mix(state ^ UInt64(choice) &+ 0x9E37_79B9_7F4A_7C15)
        state = mix(state ^ UInt64(position) &+ 0x9E37_79B9_7F4A_7C15)
        return Double(state >> 11) * 0x1p-53
    }

    private static func mix(_ value: UInt64) -> UInt64 {
        var z = value &+ 0x9E37_79B9_7F4A_7C15
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }
}
