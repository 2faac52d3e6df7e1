// Which blocks of the KV cache are in use, and which one is given out next. Blocks are counted
// here, not read: their bytes are the ranks', and what a cached block holds is PrefixCache's.

/// The blocks of a KV cache of fixed capacity.
///
/// A block is *used* while references to it are held, *cached* when none is but its content may
/// serve again, *free* otherwise. Free blocks are given out first, then the cached block that was
/// released longest ago.
///
/// Cost: every operation takes constant time and allocates nothing.
public struct BlockPool: Sendable {
    /// References held to each block.
    public private(set) var referenceCounts: [Int32]
    /// The free blocks; the last is given out next.
    private var free: [BlockID]
    /// The cached blocks as a ring of links, least recently released first. The extra last
    /// element is the ring's fixed point: its next is the oldest block, its previous the newest.
    private var next: [Int32]
    private var previous: [Int32]
    /// Blocks in the ring.
    public private(set) var cachedCount = 0

    /// Makes a pool of free blocks.
    public init(capacity: Int) {
        referenceCounts = Array(repeating: 0, count: capacity)
        free = (0..<capacity).reversed().map { BlockID($0) }
        next = (0...Int32(capacity)).map { $0 }
        previous = next
    }

    /// All blocks, in whatever state.
    public var capacity: Int { referenceCounts.count }

    /// Blocks that hold nothing to keep.
    public var freeCount: Int { free.count }

    /// Blocks that `allocate()` can still give out.
    public var availableCount: Int { free.count + cachedCount }

    /// Blocks that are referenced.
    public var usedCount: Int { capacity - availableCount }

    /// Whether a block is referenced.
    public func isUsed(_ block: BlockID) -> Bool { referenceCounts[block.index] > 0 }

    /// Gives out a block with one reference; nil when all are used. A block that was cached loses
    /// its content: the caller strikes it from the prefix cache.
    public mutating func allocate() -> BlockID? {
        let block: BlockID
        if let last = free.popLast() {
            block = last
        } else if cachedCount > 0 {
            block = BlockID(next[capacity])
            unlink(block)
        } else {
            return nil
        }
        referenceCounts[block.index] = 1
        return block
    }

    /// Adds a reference to a used or cached block.
    public mutating func retain(_ block: BlockID) {
        if !isUsed(block) { unlink(block) }
        referenceCounts[block.index] += 1
    }

    /// Drops a reference. The last one makes the block cached if its content is worth keeping,
    /// and free otherwise.
    public mutating func release(_ block: BlockID, keepingContent: Bool) {
        precondition(isUsed(block), "block \(block) was released but has no reference")
        referenceCounts[block.index] -= 1
        guard !isUsed(block) else { return }
        if keepingContent { linkAsNewest(block) } else { free.append(block) }
    }

    private mutating func linkAsNewest(_ block: BlockID) {
        let newest = previous[capacity]
        previous[block.index] = newest
        next[block.index] = Int32(capacity)
        next[Int(newest)] = block.rawValue
        previous[capacity] = block.rawValue
        cachedCount += 1
    }

    private mutating func unlink(_ block: BlockID) {
        let (before, after) = (previous[block.index], next[block.index])
        precondition(before != block.rawValue, "block \(block) is not cached but was revived")
        next[Int(before)] = after
        previous[Int(after)] = before
        next[block.index] = block.rawValue
        previous[block.index] = block.rawValue
        cachedCount -= 1
    }
}

extension BlockPool {
    /// The cached blocks, in the order of eviction.
    ///
    /// Cost: linear; for tests.
    public var cachedBlocks: [BlockID] {
        var blocks: [BlockID] = []
        var at = next[capacity]
        while Int(at) != capacity && blocks.count <= capacity {
            blocks.append(BlockID(at))
            at = next[Int(at)]
        }
        return blocks
    }

    /// Checks that each block is in exactly one state and that the ring closes both ways.
    ///
    /// Throws: the first contradiction. Cost: linear.
    public func checkIntegrity() throws(IntegrityError) {
        let cached = cachedBlocks
        try IntegrityError.check(
            cached.count == cachedCount, "\(cachedCount) cached blocks, \(cached.count) in the ring"
        )
        var listed = Array(repeating: 0, count: capacity)
        for block in free + cached { listed[block.index] += 1 }
        for (block, count) in referenceCounts.enumerated() {
            try IntegrityError.check(
                count >= 0 && listed[block] == (count == 0 ? 1 : 0),
                "block \(block) has \(count) references and is listed \(listed[block]) times")
        }
        for (at, after) in next.enumerated() {
            try IntegrityError.check(
                Int(previous[Int(after)]) == at,
                "block \(at) links to \(after), which links back to \(previous[Int(after)])")
        }
    }
}

extension BlockID {
    /// The block as an index into a table of all blocks.
    var index: Int { Int(rawValue) }
}
