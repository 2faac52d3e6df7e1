// Which rows of a step each sequence rank holds: contiguous slices of the flattened batch whose sizes
// differ by at most one, without padding. A step may have fewer tokens than there are ranks.

/// Rows cut into one slice per rank.
public struct TokenPartition: Sendable, Equatable {
    /// Where each slice starts, and after the last one the number of rows.
    public let boundaries: [Int]

    /// Cuts rows evenly; the first slices are the larger ones.
    public init(tokens: Int, among ranks: Int) {
        precondition(tokens >= 0 && ranks > 0, "\(tokens) tokens among \(ranks) ranks")
        let (least, extra) = tokens.quotientAndRemainder(dividingBy: ranks)
        boundaries = (0...ranks).map { $0 * least + min($0, extra) }
    }

    /// Puts slices of given sizes one after the other.
    public init(counts: [Int]) {
        var boundaries = [0]
        for count in counts { boundaries.append(boundaries[boundaries.count - 1] + count) }
        self.boundaries = boundaries
    }

    /// Number of all rows.
    public var count: Int { boundaries[boundaries.count - 1] }
    /// Number of slices.
    public var slices: Int { boundaries.count - 1 }

    /// The rows of one rank.
    public subscript(index: Int) -> Range<Int> { boundaries[index]..<boundaries[index + 1] }
}
