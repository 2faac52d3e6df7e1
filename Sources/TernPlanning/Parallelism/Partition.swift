// One cut for every dimension that ranks split: rows, columns, vocabulary, experts' widths. The
// cut depends on the dimension alone, never on how many ranks there are, so that one rank and
// eight sum the same parts. What is stored in a part, and on which rank, is decided elsewhere.

/// A dimension cut into parts at multiples of a unit. Parts may be uneven or empty.
///
/// Part `i` of `p` starts at `unit * (i * units / p)`, clamped to the count, where `units` is the
/// count divided by the unit, rounded up. A shard is a union of neighbouring parts.
public struct Partition: Sendable, Equatable {
    /// The parts of every dimension whose group sizes are 1, 2, 4 and 8.
    public static let parts = 8

    /// Where each part starts, and after the last one the count: one more than there are parts,
    /// in ascending order.
    public let boundaries: [Int]

    /// Cuts a dimension. Group sizes that do not divide 8, such as 3 and 6, get boundaries of
    /// their own by their own number of parts.
    public init(count: Int, unit: Int, parts: Int = Partition.parts) {
        precondition(
            count >= 0 && unit > 0 && parts > 0,
            "cannot cut \(count) into \(parts) parts at multiples of \(unit)")
        let units = (count + unit - 1) / unit
        boundaries = (0...parts).map { min(unit * ($0 * units / parts), count) }
    }

    /// The size of the dimension.
    public var count: Int { boundaries[boundaries.count - 1] }

    /// Where one part lies.
    public subscript(part: Int) -> Range<Int> { boundaries[part]..<boundaries[part + 1] }

    /// The parts of one shard: of a group of `size` ranks, rank `index` has these.
    public func parts(of index: Int, among size: Int) -> Range<Int> {
        let parts = boundaries.count - 1
        precondition(
            size > 0 && parts.isMultiple(of: size) && (0..<size).contains(index),
            "shard \(index) of \(size) is no union of \(parts) parts")
        let width = parts / size
        return index * width..<(index + 1) * width
    }

    /// Where one shard lies: of a group of `size` ranks, rank `index` has this range.
    public func range(of index: Int, among size: Int) -> Range<Int> {
        let parts = parts(of: index, among: size)
        return boundaries[parts.lowerBound]..<boundaries[parts.upperBound]
    }
}
