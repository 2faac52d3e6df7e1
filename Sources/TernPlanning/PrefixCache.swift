// Which blocks hold the keys and values of which beginnings of sequences. A cached block is found
// by the block before it and by its own tokens, compared token by token: a hash alone never
// decides. It keeps no reference counts and evicts nothing by itself; BlockPool does.
//
// Source: the idea is vLLM's automatic prefix caching, docs.vllm.ai, "Automatic Prefix Caching".

/// Blocks by the tokens they hold and all tokens before them.
///
/// An entry has an identity that is never used again, and its children are keyed by it. So a
/// block that is evicted and filled anew never stands for its old content: the old children
/// cannot be reached any more, and age until they are evicted.
public struct PrefixCache: Sendable {
    /// A beginning of sequences that ends at a block's border.
    public enum Prefix: Hashable, Sendable {
        /// The empty beginning. Salts are compared by bytes, for strings of different bytes may
        /// be equal.
        case root(salt: [UInt8]?)
        /// The beginning that ends with an entry's block.
        case entry(UInt64)

        /// The empty beginning under a request's salt.
        static func root(salt: String?) -> Prefix { .root(salt: salt.map { Array($0.utf8) }) }
    }

    /// What a block is found by. Equality compares the tokens.
    private struct Key: Hashable {
        let parent: Prefix
        let tokens: [TokenID]
    }

    private struct Entry {
        let identity: UInt64
        let block: BlockID
    }

    private var entries: [Key: Entry] = [:]
    /// The key under which each block is found; nil for a block that is not.
    private var keys: [Key?]
    private var nextIdentity: UInt64 = 0

    /// Makes an empty cache for the blocks of a pool.
    public init(capacity: Int) { keys = Array(repeating: nil, count: capacity) }

    /// Blocks that can be found.
    public var count: Int { entries.count }

    /// Whether a block can be found.
    public func contains(_ block: BlockID) -> Bool { keys[block.index] != nil }

    /// The block that continues a prefix with exactly these tokens, and the longer prefix.
    public func find(_ tokens: [TokenID], after parent: Prefix) -> (block: BlockID, prefix: Prefix)?
    {
        entries[Key(parent: parent, tokens: tokens)].map { ($0.block, .entry($0.identity)) }
    }

    /// Makes a computed block findable and returns the prefix that ends with it. Where another
    /// block already holds the same, that one stays and the new one remains its sequence's own.
    public mutating func insert(
        _ block: BlockID, holding tokens: [TokenID], after parent: Prefix
    ) -> Prefix {
        precondition(!contains(block), "block \(block) was filled twice without an eviction")
        let key = Key(parent: parent, tokens: tokens)
        if let known = entries[key] { return .entry(known.identity) }
        let identity = nextIdentity
        nextIdentity += 1
        entries[key] = Entry(identity: identity, block: block)
        keys[block.index] = key
        return .entry(identity)
    }

    /// Strikes a block whose content is lost; no effect on one that cannot be found.
    public mutating func remove(_ block: BlockID) {
        guard let key = keys[block.index] else { return }
        entries[key] = nil
        keys[block.index] = nil
    }
}

extension PrefixCache {
    /// Checks that entries and blocks point at each other and that identities are distinct.
    ///
    /// Throws: the first contradiction. Cost: linear.
    public func checkIntegrity() throws(IntegrityError) {
        var identities: Set<UInt64> = []
        for (key, entry) in entries {
            try IntegrityError.check(
                keys[entry.block.index] == key,
                "entry \(entry.identity) names block \(entry.block), which has another key")
            try IntegrityError.check(
                entry.identity < nextIdentity && identities.insert(entry.identity).inserted,
                "identity \(entry.identity) is used twice or was never given")
        }
        let keyed = keys.count { $0 != nil }
        try IntegrityError.check(
            keyed == entries.count, "\(keyed) blocks have keys, \(entries.count) have entries")
    }
}
