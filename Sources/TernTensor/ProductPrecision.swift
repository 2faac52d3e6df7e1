// How exactly products with weights of bfloat16, and attention over a cache of it, take their
// inputs, which are float32. What it costs in accuracy and gains in speed stands in
// docs/performance.md.

/// The precision of products, by PyTorch's names for it.
public enum ProductPrecision: String, Sendable, CaseIterable {
    /// Inputs as they are.
    case highest
    /// Inputs are rounded to bfloat16 where the weight, or the cache, is of that type; sums are
    /// float32, in the order that is the machine's: `SumOrder`.
    case medium

    /// Whether products with a weight round their inputs.
    public func roundsInputs(of format: WeightFormat) -> Bool {
        self == .medium && format == .plain(.bfloat16)
    }

    /// Whether attention over a cache of a type rounds its queries, scaled, and the weights of
    /// values, to multiply them by pairs. Where products are added as tiles add them it stays in
    /// float32, which is as fast there.
    public func roundsAttention(over cache: DType, _ order: SumOrder) -> Bool {
        self == .medium && cache == .bfloat16 && order == .pairs
    }
}
