// Where a text can be cut without changing its merges (station 2 of the walk). SentencePiece's
// models take whole texts as one word; cut at seams, such a text is many short ones.

/// The pairs of neighbouring symbols that some merge joins.
///
/// The border between two symbols vanishes in one merge, of a token that ends with the first and
/// one that begins with the second. Where no merge has such a pair, no merge crosses the border,
/// and both sides are merged each by itself.
struct MergeSeams: Sendable {
    private var pairs: [UInt64]
    private let mask: Int
    private let hash = SeededHash()

    /// Makes a set with room for a number of pairs.
    init(capacity: Int) {
        var slots = 16
        while slots < capacity * 2 { slots *= 2 }
        mask = slots - 1
        pairs = Array(repeating: .max, count: slots)
    }

    /// Notes that some merge joins two symbols.
    mutating func insert(_ left: Int32, _ right: Int32) {
        let key = Self.key(left, right)
        pairs[slot(of: key)] = key
    }

    /// Whether no merge crosses the border between two symbols.
    func isSeam(_ left: Int32, _ right: Int32) -> Bool {
        pairs[slot(of: Self.key(left, right))] == .max
    }

    private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
        UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
    }

    private func slot(of key: UInt64) -> Int {
        var slot = Int(truncatingIfNeeded: hash(key)) & mask
        while pairs[slot] != key, pairs[slot] != .max { slot = (slot + 1) & mask }
        return slot
    }
}
