// The limits a scheduler works within, fixed at start from flags and the memory plan. It chooses
// none of them itself.

/// The limits of a scheduler.
public struct SchedulerConfiguration: Sendable, Equatable {
    /// The most tokens in one plan.
    public var maxBatchedTokens: Int
    /// The most sequences that run at a time.
    public var maxSequences: Int
    /// The most tokens of one sequence, prompt and generated together.
    public var maxModelLength: Int
    /// Tokens in a block of the KV cache.
    public var blockSize: Int
    /// Blocks in the KV cache.
    public var blockCount: Int
    /// Whether full blocks are kept for later sequences that begin alike.
    public var enablesPrefixCaching: Bool
    /// Plans that may be submitted before the first of them commits.
    public var maxPlansInFlight: Int
    /// The most rows of logits that one plan asks for.
    public var maxLogitRows: Int

    /// Makes a configuration; `validate()` checks it. Without `maxLogitRows`, each sequence has one.
    public init(
        maxBatchedTokens: Int, maxSequences: Int, maxModelLength: Int, blockSize: Int,
        blockCount: Int, enablesPrefixCaching: Bool = true, maxPlansInFlight: Int = 1,
        maxLogitRows: Int? = nil
    ) {
        self.maxBatchedTokens = maxBatchedTokens
        self.maxSequences = maxSequences
        self.maxModelLength = maxModelLength
        self.blockSize = blockSize
        self.blockCount = blockCount
        self.enablesPrefixCaching = enablesPrefixCaching
        self.maxPlansInFlight = maxPlansInFlight
        self.maxLogitRows = maxLogitRows ?? maxSequences
    }

    /// Checks each limit, and that one plan can hold a token of every running sequence: with
    /// fewer, the youngest would starve.
    ///
    /// Throws: the first limit out of range, by the name of its flag.
    public func validate() throws(ParameterError) {
        try require(maxSequences >= 1, "--max-num-seqs", maxSequences, "at least 1")
        try require(
            maxBatchedTokens >= maxSequences, "--max-num-batched-tokens", maxBatchedTokens,
            "at least --max-num-seqs, which is \(maxSequences)")
        try require(maxModelLength >= 2, "--max-model-len", maxModelLength, "at least 2")
        try require(blockSize >= 1, "--block-size", blockSize, "at least 1")
        try require(
            blockCount >= 1, "the number of KV-cache blocks", blockCount,
            "at least 1: give the cache more memory")
        try require(
            blockCount <= Int(Int32.max), "the number of KV-cache blocks", blockCount,
            "at most \(Int32.max): use larger blocks")
        try require(maxPlansInFlight >= 1, "plans in flight", maxPlansInFlight, "at least 1")
        try require(
            maxLogitRows >= maxSequences, "rows of logits", maxLogitRows,
            "at least --max-num-seqs, which is \(maxSequences)")
    }

    /// Blocks that hold a number of tokens.
    public func blocks(for tokens: Int) -> Int { (tokens + blockSize - 1) / blockSize }
}
