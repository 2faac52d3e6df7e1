// What a scheduler tells the metrics: gauges of the moment and totals since the start. Times are
// the engine's, for nothing here has a clock.

/// The state of a scheduler in numbers.
public struct SchedulerCounts: Sendable, Equatable {
    /// Sequences that hold blocks.
    public let running: Int
    /// Sequences in the queue.
    public let waiting: Int
    /// Blocks that sequences hold; a shared one counts once.
    public let usedBlocks: Int
    /// Blocks that no sequence holds but a prefix of later ones may use.
    public let cachedBlocks: Int
    /// All blocks of the KV cache.
    public let totalBlocks: Int
    /// Tokens of the sequences that asked the prefix cache at their first admission, since the
    /// start.
    public let prefixQueryTokens: Int
    /// Tokens that the prefix cache spared them.
    public let prefixHitTokens: Int
    /// How often a sequence lost its blocks, since the start.
    public let preemptions: Int

    /// The share of the KV cache that sequences hold, from 0 to 1.
    public var cacheUsage: Double { Double(usedBlocks) / Double(totalBlocks) }

    /// The state of two schedulers together.
    public static func + (one: SchedulerCounts, other: SchedulerCounts) -> SchedulerCounts {
        SchedulerCounts(
            running: one.running + other.running, waiting: one.waiting + other.waiting,
            usedBlocks: one.usedBlocks + other.usedBlocks,
            cachedBlocks: one.cachedBlocks + other.cachedBlocks,
            totalBlocks: one.totalBlocks + other.totalBlocks,
            prefixQueryTokens: one.prefixQueryTokens + other.prefixQueryTokens,
            prefixHitTokens: one.prefixHitTokens + other.prefixHitTokens,
            preemptions: one.preemptions + other.preemptions)
    }
}

extension Scheduler {
    /// The scheduler's state in numbers. Cost: constant.
    public var counts: SchedulerCounts {
        SchedulerCounts(
            running: running.count, waiting: waiting.count, usedBlocks: blocks.pool.usedCount,
            cachedBlocks: blocks.pool.cachedCount, totalBlocks: blocks.pool.capacity,
            prefixQueryTokens: prefixQueryTokens, prefixHitTokens: prefixHitTokens,
            preemptions: preemptions)
    }
}
