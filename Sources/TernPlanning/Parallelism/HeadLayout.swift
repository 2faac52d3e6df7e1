// Which attention heads belong to which rank. There are P = SP · TP head blocks, and rank (s, t)
// owns block t · SP + s under every view: that is why one KV cache serves both modes.

/// The heads of each head block.
///
/// In sequence mode a rank projects the blocks of its tensor shard, t · SP ..< (t + 1) · SP, and
/// the all-to-all leaves it block t · SP + s; in tensor mode it projects that block alone.
public struct HeadLayout: Sendable, Equatable {
    /// Query heads of each block. Blocks are cut as `Partition` cuts.
    public let queries: ShardRanges
    /// Key-value heads that those queries read; blocks share a head where there are fewer heads
    /// than blocks.
    public let keysValues: ShardRanges

    /// Divides heads among blocks.
    ///
    /// Throws: where a block would be without a query, or would read only some queries' worth of
    /// several key-value heads; the message says which.
    public init(
        queryHeads: Int, keyValueHeads: Int, blocks: Int
    ) throws(HeadLayoutError) {
        precondition(
            keyValueHeads >= 1 && queryHeads.isMultiple(of: keyValueHeads),
            "\(queryHeads) query heads on \(keyValueHeads) key-value heads")
        let group = queryHeads / keyValueHeads
        let parts = Partition.parts.isMultiple(of: blocks) ? Partition.parts : blocks
        let partition = Partition(count: queryHeads, unit: 1, parts: parts)
        let queryRanges = (0..<blocks).map { partition.range(of: $0, among: blocks) }
        var keyValueRanges: [Range<Int>] = []
        for (block, range) in queryRanges.enumerated() {
            guard !range.isEmpty else {
                throw HeadLayoutError(block: block, blocks: blocks, queries: range, group: group)
            }
            let heads = range.lowerBound / group..<(range.upperBound - 1) / group + 1
            let isWhole =
                range.lowerBound.isMultiple(of: group) && range.upperBound.isMultiple(of: group)
            guard heads.count == 1 || isWhole else {
                throw HeadLayoutError(block: block, blocks: blocks, queries: range, group: group)
            }
            keyValueRanges.append(heads)
        }
        queries = ShardRanges(queryRanges)
        keysValues = ShardRanges(keyValueRanges)
    }
}

/// Heads that cannot be divided among so many blocks.
public struct HeadLayoutError: Error, Equatable, CustomStringConvertible {
    let block: Int
    let blocks: Int
    let queries: Range<Int>
    let group: Int

    /// One line for a person.
    public var description: String {
        queries.isEmpty
            ? "head block \(block) of \(blocks) would have no query head"
            : "head block \(block) of \(blocks) would have query heads \(queries), which read "
                + "parts of several key-value heads (\(group) queries read each)"
    }
}
