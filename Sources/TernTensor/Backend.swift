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
    /// weight is whole, or a view of some of its inputs: then no other is touched. No block is named
    /// twice.
    func pack(_ jobs: [PackJob], into weight: PackedWeight)

    /// Lays rows of four-bit numbers out as blocks of a weight of int4 in the same groups, whole or a
    /// view of some of its inputs: no others are read or written, and a group's scale is with its
    /// first. Nothing is rounded but scales, to float16. No block is named twice.
    func pack(
        _ matrix: FourBitMatrix, _ blocks: [FourBitMatrix.Block], into weight: PackedWeight)

    /// Fills with seeded random values, normally distributed, deviation `scale`: element i of a
    /// tensor depends on the seed and i alone. Rounds to the tensor's type. For dummy weights.
    func fillRandom(_ tensor: Tensor, seed: UInt64, scale: Float)

    /// Rows of a table, times `scale`. Shape: `tokens [n]` int32, `table [vocabulary, hidden]`,
    /// `[n, hidden]`.
    func embed(_ tokens: Tensor, table: PackedWeight, scale: Float, into output: Tensor)

    /// `output = input · weightᵀ + bias`. Shape: `[n, inputs]`, `[outputs, inputs]`, `[outputs]`,
    /// `[n, outputs]`. The order of sums is `PackedWeight.inputParts`'s; the bias comes last.
    func linear(_ input: Tensor, _ weight: PackedWeight, bias: Tensor?, into output: Tensor)

    /// `output = input / rms(input) * weight` over the last dimension; may be done in place.
    /// Shape: `[n, d]` or `[n, heads, d]` with any outer strides; weight `[d]`.
    func rmsNorm(_ input: Tensor, weight: Tensor, epsilon: Float, into output: Tensor)

    /// `accumulator += input`. Shape: `[n, d]` both.
    func add(_ input: Tensor, to accumulator: Tensor)

    /// `hidden += update`, then `output = hidden / rms(hidden) * weight`: the end of one block and the
    /// beginning of the next in one pass. Bits: those of `add` and `rmsNorm`. Shape: `[n, d]` all,
    /// weight `[d]`; the output may be `update`.
    func addNormalize(
        _ update: Tensor, to hidden: Tensor, weight: Tensor, epsilon: Float, into output: Tensor)

    /// Rotates pairs of each head's dimensions in place. Shape: `heads [n, heads, d]` with any
    /// outer strides, positions `[n]` int32, table `[positions, r]` with the cosines of the pairs,
    /// then their sines, r <= d: the first r dimensions are rotated.
    func rotate(_ heads: Tensor, positions: Tensor, table: Tensor, pairing: RotaryPairing)

    /// Writes keys and values into their slots (block * blockSize + offset), rounding to the
    /// cache's type, or scaled as `KeyValueBlocks` says. Shape: `[n, heads, headDimension]` and `[n, heads, valueDimension]` with any
    /// outer strides, which may be of the same elements; slots `[n]` int32.
    func store(keys: Tensor, values: Tensor, slots: Tensor, into cache: KeyValueBlocks)

    /// Causal attention of each query over positions 0 through its own, or those of the rule's
    /// window, read from the cache; tiles of 16 without a position that is seen are not read.
    /// Order of sums, by positions alone: in each split of 512 positions from 0, each stretch of 64
    /// updates the largest score, rescales what was summed, and adds its weights (lanes by position
    /// modulo 16, tiles in pairs) and, ascending, its weighted values; splits are merged in
    /// ascending order. Where `ProductPrecision.roundsAttention` says so, queries times their scale
    /// and the weights of values are rounded to bfloat16 and added by pairs, dimensions of keys and
    /// positions of values, as `SumOrder.pairs` has it; the sum of the weights is of those not
    /// rounded. The reference sums in float64, where no order shows. Shape: queries `[n, queryHeads, headDimension]`, output
    /// `[n, queryHeads, valueDimension]`; query head h reads cache head
    /// h / (queryHeads / cache.heads).
    func attend(
        _ queries: Tensor, cache: KeyValueBlocks, batch: AttentionBatch, _ rule: AttentionRule,
        into output: Tensor)

    /// `tensor = cap * tanh(tensor / cap)`, in place. Shape: `[n, d]`, any row stride.
    func softCap(_ tensor: Tensor, cap: Float)

    /// The activation of each gate and its up. Shape: `gateUp [n, 2m]` in chunks of 16 gates, then
    /// their 16 ups (the last chunk may be narrower), `output [n, m]`, which may be the first half of
    /// each row of `gateUp`.
    func activateMultiply(_ gateUp: Tensor, _ activation: GatedActivation, into output: Tensor)

    /// Rows by index. Shape: `[n, d]`, `rows [m]` int32, `[m, d]`.
    func gather(_ input: Tensor, rows: Tensor, into output: Tensor)

    /// A matrix as it is. Shape: `[n, d]` both, any row strides, both float32 or both int32; they
    /// share no element.
    func copy(_ input: Tensor, into output: Tensor)

    /// The sum of 1 to 16 matrices, element by element, in the order of
    /// `ReferenceBackend.treeSum`. Shape: `[n, d]` all, any row strides. The output may be one of
    /// the inputs itself, but not meet one in part.
    func treeSum(_ inputs: [Tensor], into output: Tensor)

    /// The `k` best experts of each row of logits and their weights, as the rule has it; of equals
    /// the first. A row's entries are sorted by expert. Shape: `[n, experts]`, `experts [n, k]`
    /// int32, `weights [n, k]`.
    func route(_ logits: Tensor, _ rule: RouterRule, into experts: Tensor, weights: Tensor)

    /// Sums each token's rows: product `j`, `weights[j] * rows[slots[j]]`, is rounded and added to
    /// the sum of its part, in the order of `j`; each of the 16 sums starts at zero, and they are
    /// added by the fixed binary tree. A slot below zero is no row: as if it were held elsewhere.
    /// Shape: `rows [m, d]`, slots and parts `[n, k]` int32, `weights [n, k]`, `[n, d]`.
    func combine(
        _ rows: Tensor, slots: Tensor, weights: Tensor, parts: Tensor, into output: Tensor)

    /// The highest value of each chunk; what is no number counts as the lowest. Shape: `[d]`,
    /// `[chunks]`, see `Chunks`.
    func chunkMaxima(_ values: Tensor, into maxima: Tensor)

    /// What a draw weighs tokens by: `exp((logit - highest) / temperature)`, or 0 where that is
    /// below `least` or no number; and the sums of each chunk's. Shape: `[d]` twice, `[chunks]`.
    func weigh(
        _ logits: Tensor, highest: Float, temperature: Float, least: Float, into weights: Tensor,
        sums: Tensor)

    /// The sums of each chunk's weights of at least `least`: lane `i % 16` takes element i, lanes
    /// are added as `rmsNorm` does. Shape: `[d]`, `[chunks]`.
    func chunkSums(_ weights: Tensor, atLeast least: Float, into sums: Tensor)
}
