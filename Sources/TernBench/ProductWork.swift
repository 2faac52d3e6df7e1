// What products did within the steps of a run, and how long they took: the part of a step that a
// machine's limits bound most closely.

/// Products of some steps, added up over ranks.
public struct ProductWork: Sendable, Equatable {
    /// Time in them.
    public var seconds = 0.0
    /// Operations, two a multiply-add.
    public var operations = 0.0
    /// Bytes of weights, read once a product.
    public var bytes = 0.0

    /// No products.
    public init() {}

    /// Counts one product of some rows with a weight.
    public mutating func add(
        rows: Int, inputs: Int, outputs: Int, bytesPerElement: Double, seconds: Double
    ) {
        let elements = Double(inputs) * Double(outputs)
        self.seconds += seconds
        operations += 2 * Double(rows) * elements
        bytes += elements * bytesPerElement
    }
}

/// Products told apart by what bounds them.
public struct PhaseProducts: Sendable, Equatable {
    /// Of more rows than the batch has sequences: prompts, bound by arithmetic.
    public var prefill = ProductWork()
    /// Of a row a sequence at most: decoding, and what prompts do behind their last attention; bound
    /// by memory where sequences are few.
    public var decode = ProductWork()

    /// No products.
    public init() {}

    /// Share of the float32 peak that products of prompts reached; nil where there were none. So many
    /// ranks worked at once, each with its part of the processors.
    func shareOfPeak(_ rates: MachineRates, ranks: Int) -> Double? {
        guard prefill.seconds > 0 else { return nil }
        return prefill.operations / prefill.seconds * Double(ranks) / rates.operationsPerSecond
    }

    /// Share of the read bandwidth that products of decoding reached; nil where there were none.
    func shareOfReadLimit(_ rates: MachineRates, ranks: Int) -> Double? {
        guard decode.seconds > 0 else { return nil }
        return decode.bytes / decode.seconds * Double(ranks) / rates.readBytesPerSecond
    }
}
