// Changes inputs as bytes: bits, numbers, pieces that go, come twice or come from elsewhere. It knows
// nothing of what they mean, but for the words of the target's language.

/// Makes wrong bytes of right ones.
struct ByteMutator {
    let target: FuzzTarget

    /// Numbers at which arithmetic goes wrong.
    private static let edges: [UInt64] = [
        0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF,
        0x1_0000_0000, 1 << 53, 0x7FFF_FFFF_FFFF_FFFF, 0x8000_0000_0000_0000,
        0xFFFF_FFFF_FFFF_FFFF,
    ]
    /// The same as text.
    private static let numerals = [
        "0", "-1", "1e400", "-0", "9223372036854775807", "-9223372036854775808",
        "9223372036854775808", "1e18", "1e19", "4294967296", "2147483648", "0.1", "NaN", "1e-400",
        "16777217", "true", "null", "\"\"", "[]", "{}",
    ]

    /// An input with some changes.
    func mutated(_ input: [UInt8], _ random: inout SeededRandom) -> [UInt8] {
        var bytes = input
        for _ in 0...random.below(random.once(in: 4) ? 12 : 3) { change(&bytes, &random) }
        if bytes.count > target.inputBytes { bytes.removeLast(bytes.count - target.inputBytes) }
        return bytes
    }

    private func change(_ bytes: inout [UInt8], _ random: inout SeededRandom) {
        guard !bytes.isEmpty else {
            bytes = [UInt8(random.below(256))]
            return
        }
        let place = self.place(in: bytes, &random)
        let length = min(bytes.count - place, 1 << random.below(random.once(in: 6) ? 14 : 6))
        switch random.below(9) {
        case 0: bytes[place] ^= 1 << UInt8(random.below(8))
        case 1: bytes[place] = UInt8(random.below(256))
        case 2: bytes.removeSubrange(place..<place + length)
        case 3: bytes.insert(contentsOf: bytes[place..<place + length], at: place)
        case 4: putNumber(&bytes, at: place, &random)
        case 5:
            guard let word = random.one(of: target.words) else { return }
            bytes.insert(contentsOf: word.utf8, at: place)
        case 6:
            guard let other = random.one(of: target.seeds), !other.isEmpty else { return }
            let start = self.place(in: other, &random)
            bytes.insert(contentsOf: other[start...].prefix(length), at: place)
        case 7:
            if random.once(in: 4) { bytes.removeSubrange(place...) }
        default:
            let repeated = bytes[place..<place + min(length, 16)]
            for _ in 0..<random.below(200) { bytes.insert(contentsOf: repeated, at: place) }
        }
    }

    /// A place; mostly near the front where a head is what counts.
    private func place(in bytes: [UInt8], _ random: inout SeededRandom) -> Int {
        let bound = target.language == .binary && !random.once(in: 8) ? 4096 : bytes.count
        return random.below(min(bytes.count, bound))
    }

    private func putNumber(
        _ bytes: inout [UInt8], at place: Int, _ random: inout SeededRandom
    ) {
        guard target.language == .binary else {
            // In place of the digits that stand there or after there.
            let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
            let start = bytes[place...].firstIndex { digits.contains($0) } ?? place
            let end = bytes[start...].firstIndex { !digits.contains($0) } ?? bytes.count
            bytes.replaceSubrange(start..<end, with: (random.one(of: Self.numerals) ?? "").utf8)
            return
        }
        let number = (random.one(of: Self.edges) ?? 0) &+ UInt64(random.below(3)) &- 1
        let width = min(1 << random.below(4), bytes.count - place)
        for index in 0..<width {
            bytes[place + index] = UInt8(truncatingIfNeeded: number >> UInt64(8 * index))
        }
    }
}
