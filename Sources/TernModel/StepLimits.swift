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
    /// `StepContext.turns`. Of any step an MLP holds the inner values of so many rows at once.
    public let rowsAtOnce: Int

    /// Enough rows for reading the weights to take less time than multiplying with them. Weights of 8
    /// and 4 bits are read in half the time, so half the rows do. So few that a product of a usual
    /// inner width takes its inputs at once, see `CPUBackend.linear`, and that a layer's values take a
    /// few megabytes.
    public static func usualRowsAtOnce(
        _ weights: WeightQuantization = WeightQuantization()
    ) -> Int {
        weights.layers == nil && weights.saved == nil ? 256 : 128
    }

    /// Limits of a step; without `logitRows`, each sequence may ask for one.
    public init(
        tokens: Int, sequences: Int, positions: Int, blocksPerSequence: Int, logitRows: Int? = nil,
        rowsAtOnce: Int = Self.usualRowsAtOnce()
    ) {
        self.tokens = tokens
        self.sequences = sequences
        self.positions = positions
        self.blocksPerSequence = blocksPerSequence
        self.logitRows = logitRows ?? sequences
        self.rowsAtOnce = rowsAtOnce
    }
}
