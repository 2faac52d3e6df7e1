// What each part of a split dimension covers. Shards are unions of neighbouring parts, so one table
// answers for every group size that divides their number.

/// A range per part, ascending; neighbours may overlap where ranks share something, such as a
/// key-value head.
public struct ShardRanges: Sendable, Equatable {
    /// One range per part.
    public let ranges: [Range<Int>]

    /// A table of ranges.
    public init(_ ranges: [Range<Int>]) { self.ranges = ranges }

    /// The parts of a partition.
    public init(_ partition: Partition) {
        ranges = (0..<partition.boundaries.count - 1).map { partition[$0] }
    }

    /// What a group's member covers: from the start of its first part to the end of its last.
    public subscript(group: RankGroup) -> Range<Int> {
        let width = ranges.count / group.size
        precondition(
            width * group.size == ranges.count, "\(ranges.count) parts for \(group.size) ranks")
        let first = group.index * width
        return ranges[first].lowerBound..<ranges[first + width - 1].upperBound
    }
}
