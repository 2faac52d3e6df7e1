// What a device must compute for a transformer: the ops that layers call. Every real backend is
// compared with ReferenceBackend. A backend knows no models, ranks or sequences.

/// The operations of one rank's device.
///
/// Activations are float32; rows are tokens; the last dimension of every tensor has stride one.
/// Thread: a backend belongs to one rank's thread; ops return when their output is complete.
/// Bits: every output row depends on its own input row (and its own cache) alone.
public protocol Backend: AnyObject, Sendable {
    /// As `--device` and messages name it.
    var name: String { get }

    /// Packs rows into blocks of a weight, rounding to its type (to nearest, ties to even). The
    /// weight is whole, or a view of some of its inputs: then no other is touched.
    func pack(_ jobs: [PackJob], into weight: PackedWeight)

    /// Fills with seeded random values, normally distributed, deviation `scale`: element i of a
    /// tensor depends on the seed and i alone. Rounds to the tensor's type. For dummy weights.
    func fillRandom(_ tensor: Tensor, seed: UInt64, scale: Float)

    /// Rows of a table. Shape: `tokens [n]` int32, `table [vocabulary, hidden]`, `[n, hidden]`.
    func embed(_ tokens: Tensor, table: PackedWeight, into output: Tensor)

    /// `output = input · weightᵀ + bias`. Shape: `[n, inputs]`, `[outputs, inputs]`, `[outputs]`,
    /// `[n, outputs]`. The order of sums is `PackedWeight.inputParts`'s; the bias comes last.
    func linear(_ input: Tensor, _ weight: PackedWeight, bias: Tensor?, into output: Tensor)

    /// `output = input / rms(input) * weight` over the last dimension; may be done in place.
    /// Shape: `[n, d]` or `[n, heads, d]` with any outer strides; weight `[d]`.
    func rmsNorm(_ input: Tensor, weight: Tensor, epsilon: Float, into output: Tensor)

    /// `accumulator += input`. Shape: `[n, d]` both.
    func add(_ input: Tensor, to accumulator: Tensor)

    /// Rotates pairs (i, i + d/2) of each head in place. Shape: `heads [n, heads, d]`, positions
    /// `[n]` int32, table `[positions, r]` with cosines then sines, r <= d: the first r dimensions
    /// are rotated.
    func rotate(_ heads: Tensor, positions: Tensor, table: Tensor)

    /// Writes keys and values into their slots (block * blockSize + offset), rounding to the
    /// cache's type. Shape: `[n, heads, 2, headDimension]`, slots `[n]` int32.
    func store(_ keysValues: Tensor, slots: Tensor, into cache: KeyValueBlocks)

    /// Causal attention of each query over positions 0 through its own, read from the cache in
    /// tiles of 16 from position 0. Shape: queries and output `[n, queryHeads, headDimension]`;
    /// query head h reads cache head h / (queryHeads / cache.heads).
    func attend(
        _ queries: Tensor, cache: KeyValueBlocks, batch: AttentionBatch, scale: Float,
        into output: Tensor)

    /// `silu(gate) * up`. Shape: `gateUp [n, 2m]` in chunks of 16 gates, then their 16 ups (the
    /// last chunk may be narrower), `output [n, m]`.
    func siluMultiply(_ gateUp: Tensor, into output: Tensor)

    /// Rows by index. Shape: `[n, d]`, `rows [m]` int32, `[m, d]`.
    func gather(_ input: Tensor, rows: Tensor, into output: Tensor)

    /// A matrix as it is. Shape: `[n, d]` both, any row strides, both float32 or both int32; they
    /// share no element.
    func copy(_ input: Tensor, into output: Tensor)

    /// The sum of 1 to 16 matrices, element by element, in the order of
    /// `ReferenceBackend.treeSum`. Shape: `[n, d]` all, any row strides. The output may be one of
    /// the inputs itself, but not meet one in part.
    func treeSum(_ inputs: [Tensor], into output: Tensor)
    /// Softmax over each row of logits, the `k` best experts (of equals the first), their shares
    /// divided by their sum if it `renormalizes`. A row's entries are sorted by expert.
    /// Shape: `[n, experts]`, `experts [n, k]` int32, `weights [n, k]`.
    func route(
        _ logits: Tensor, renormalizes: Bool, into experts: Tensor, weights: Tensor)

    /// Sums each token's rows: product `j`, `weights[j] * rows[slots[j]]`, is rounded and added to
    /// the sum of its part, in the order of `j`; each of the 16 sums starts at zero, and they are
    /// added by the fixed binary tree. A slot below zero is no row: as if it were held elsewhere.
    /// Shape: `rows [m, d]`, slots and parts `[n, k]` int32, `weights [n, k]`, `[n, d]`.
    func combine(
        _ rows: Tensor, slots: Tensor, weights: Tensor, parts: Tensor, into output: Tensor)
}
