// The merges of a byte-pair encoding: which two neighbouring tokens become which third, and how
// early (station 2 of the walk). A flat hash table, for it is asked several times per byte of
// text. It does not merge; BytePairEncoder does.

/// The rank and the result of each mergeable pair of tokens.
struct MergeTable: Sendable {
    /// The rank of pairs that do not merge.
    static let never = UInt32.max

    private var pairs: [UInt64]
    private var ranks: [UInt32]
    private var results: [Int32] = []
    private let hash = SeededHash()
    private let mask: Int

    /// Makes a table with room for a number of merges, each of which is appended once.
    init(capacity: Int) {
        var slots = 16
        while slots < capacity * 2 { slots *= 2 }
        mask = slots - 1
        pairs = Array(repeating: .max, count: slots)
        ranks = Array(repeating: Self.never, count: slots)
        results.reserveCapacity(capacity)
    }

    /// Adds the next merge in order of rank; of equal pairs the later one counts.
    mutating func append(_ left: Int32, _ right: Int32, result: Int32) {
        precondition(results.count * 2 <= mask, "\(results.count) merges in \(mask + 1) slots")
        let slot = slot(of: Self.key(left, right))
        pairs[slot] = Self.key(left, right)
        ranks[slot] = UInt32(results.count)
        results.append(result)
    }

    /// The rank of a pair, lower is earlier; `never` where it does not merge.
    func rank(_ left: Int32, _ right: Int32) -> UInt32 { ranks[slot(of: Self.key(left, right))] }

    /// The token that the merge of a rank makes.
    func result(rank: UInt32) -> Int32 { results[Int(rank)] }

    private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
        UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
    }

    /// The slot that holds a key, or the free one where it belongs. Ids are not negative, so that
    /// no key has all bits set.
    private func slot(of key: UInt64) -> Int {
        var slot = Int(truncatingIfNeeded: hash(key)) & mask
        while pairs[slot] != key, pairs[slot] != .max { slot = (slot + 1) & mask }
        return slot
    }
}
