// How exactly products with bfloat16 weights take their inputs, which are float32. What it costs in
// accuracy and gains in speed stands in docs/performance.md.

/// The precision of products, by PyTorch's names for it.
public enum ProductPrecision: String, Sendable, CaseIterable {
    /// Inputs as they are.
    case highest
    /// Inputs are rounded to bfloat16 where the weight is of that type; sums are float32, in the order
    /// that is the machine's: `SumOrder`.
    case medium

    /// Whether products with a weight round their inputs.
    public func roundsInputs(of format: WeightFormat) -> Bool {
        self == .medium && format == .plain(.bfloat16)
    }
}
