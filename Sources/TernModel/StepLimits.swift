// How large a step may be: what buffers are made for.

/// The largest step that buffers are made for.
public struct StepLimits: Sendable, Equatable {
    /// Tokens of one step.
    public let tokens: Int
    /// Sequences of one step.
    public let sequences: Int
    /// Positions of one sequence.
    public let positions: Int
    /// Blocks of one sequence.
    public let blocksPerSequence: Int
    /// Rows of one step that ask for logits.
    public let logitRows: Int
    /// Rows that go through the layers together where a step may be taken in turns: see
    /// `StepContext.turns`.
    public let rowsAtOnce: Int

    /// As many as an MLP takes at once: enough for products to be bound by arithmetic, while a layer's
    /// values take a few megabytes.
    public static let usualRowsAtOnce = MLP.rowsAtOnce

    /// Limits of a step; without `logitRows`, each sequence may ask for one.
    public init(
        tokens: Int, sequences: Int, positions: Int, blocksPerSequence: Int, logitRows: Int? = nil,
        rowsAtOnce: Int = Self.usualRowsAtOnce
    ) {
        self.tokens = tokens
        self.sequences = sequences
        self.positions = positions
        self.blocksPerSequence = blocksPerSequence
        self.logitRows = logitRows ?? sequences
        self.rowsAtOnce = rowsAtOnce
    }
}
