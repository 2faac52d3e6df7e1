// In which order the products of rounded inputs are added. It is a machine's: whatever multiplies
// on a machine keeps its order, so that no batch, mode or number of ranks shows in an answer.

/// The order of sums of products whose inputs are rounded to bfloat16: see
/// `ProductPrecision.medium`.
///
/// Either way each part of the inputs (`PackedWeight.inputParts`) has a sum of its own, which
/// begins with zero, and parts are added by the tree.
public enum SumOrder: String, Sendable, CaseIterable {
    /// By pairs, as `vdpbf16ps` adds them: of each pair of inputs, counted from an even one, the
    /// second product is added first, one fused multiply-add each.
    case pairs
    /// By steps of `stepInputs` inputs from where the part begins, as AMX's tiles add them: the
    /// first of each pair are summed by fused multiply-adds from zero, in ascending order, and the
    /// second likewise; then these two sums are added, and that to the sum of the part. What the
    /// last step lacks counts as zeros. Numbers below 2^-126 are zeros on the way in and out.
    case tiles

    /// Inputs of one step of tiles.
    public static let stepInputs = 32
}
