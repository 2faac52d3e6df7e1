// What of a process was in memory, beside what an engine must have there: weights, and the keys and
// values of the tokens it holds. Everything else is overhead, values between layers among it.

/// The memory of a process at one moment.
public struct ResidentBytes: Sendable, Equatable {
    /// Pages of files: the program, and the libraries it shares with others.
    public let files: Int
    /// Pages of its own.
    public let anonymous: Int
    /// Weights, padding included.
    public let weights: Int
    /// Blocks of the cache that were in use.
    public let cache: Int

    /// Bytes as they were counted.
    public init(files: Int, anonymous: Int, weights: Int, cache: Int) {
        self.files = files
        self.anonymous = anonymous
        self.weights = weights
        self.cache = cache
    }

    /// All that is resident.
    public var all: Int { files + anonymous }
    /// What must be.
    public var needed: Int { weights + cache }
    /// How many times the memory that is needed is held.
    public var perNeeded: Double { Double(all) / Double(max(needed, 1)) }
}
