// How sequences come to their blocks and leave them: BlockPool and PrefixCache under one roof, so
// that a block given out anew is struck from the cache, and a released one is kept if it can be
// found again. It decides neither who runs nor who is preempted.

/// The blocks of the KV cache and the prefixes they hold.
struct BlockAllocator: Sendable {
    let blockSize: Int
    private(set) var pool: BlockPool
    /// Nil when prefix caching is off.
    private(set) var cache: PrefixCache?

    /// Makes an allocator whose blocks are all free.
    init(_ configuration: SchedulerConfiguration) {
        blockSize = configuration.blockSize
        pool = BlockPool(capacity: configuration.blockCount)
        cache =
            configuration.enablesPrefixCaching
            ? PrefixCache(capacity: configuration.blockCount) : nil
    }

    /// Blocks by which a sequence's table falls short of its known tokens.
    func shortage(of sequence: Sequence) -> Int {
        (sequence.tokenCount + blockSize - 1) / blockSize - sequence.blockTable.count
    }

    /// Extends a sequence's table to all its known tokens; false, with nothing changed, when too
    /// few blocks are available.
    mutating func grow(_ sequence: inout Sequence) -> Bool {
        let count = shortage(of: sequence)
        guard count <= pool.availableCount else { return false }
        for _ in 0..<count {
            guard let block = pool.allocate() else { return false }
            cache?.remove(block)
            sequence.blockTable.append(block)
        }
        return true
    }

    /// Gives a sequence without blocks its longest cached prefix and new blocks for the rest;
    /// false, with nothing changed, when fewer than `headroom` blocks would remain available.
    mutating func admit(_ sequence: inout Sequence, headroom: Int) -> Bool {
        let (hits, prefix) = longestPrefix(of: sequence)
        let revived = hits.count { !pool.isUsed($0) }
        let needed = revived + shortage(of: sequence) - hits.count
        guard needed + headroom <= pool.availableCount else { return false }
        for block in hits { pool.retain(block) }
        sequence.blockTable = hits
        sequence.prefix = prefix
        sequence.computedCount = hits.count * blockSize
        sequence.scheduledCount = sequence.computedCount
        return grow(&sequence)
    }

    /// Makes the full blocks findable that a sequence completes as its computed tokens reach a
    /// new count.
    mutating func markComputed(_ count: Int, of sequence: inout Sequence) {
        let completed = sequence.computedCount / blockSize..<count / blockSize
        sequence.computedCount = count
        guard cache != nil else { return }
        for index in completed {
            let tokens = sequence.tokens(in: index * blockSize..<(index + 1) * blockSize)
            let block = sequence.blockTable[index]
            sequence.prefix =
                cache?.insert(block, holding: tokens, after: sequence.prefix) ?? sequence.prefix
        }
    }

    /// Takes all blocks from a sequence, the last first, so that the ends of prefixes are evicted
    /// before their beginnings.
    mutating func release(_ sequence: inout Sequence) {
        for block in sequence.blockTable.reversed() {
            pool.release(block, keepingContent: cache?.contains(block) ?? false)
        }
        sequence.blockTable = []
        sequence.computedCount = 0
        sequence.scheduledCount = 0
        sequence.prefix = .root(salt: sequence.cacheSalt)
    }

    /// The cached blocks a sequence begins with. They never cover its last known token, which
    /// must be computed to draw the next, nor rows that are to be scored.
    private func longestPrefix(of sequence: Sequence) -> ([BlockID], PrefixCache.Prefix) {
        var (hits, prefix) = ([BlockID](), sequence.prefix)
        guard let cache else { return (hits, prefix) }
        for index in 0..<sequence.mostHitTokens / blockSize {
            let tokens = sequence.tokens(in: index * blockSize..<(index + 1) * blockSize)
            guard let (block, longer) = cache.find(tokens, after: prefix) else { break }
            hits.append(block)
            prefix = longer
        }
        return (hits, prefix)
    }
}
