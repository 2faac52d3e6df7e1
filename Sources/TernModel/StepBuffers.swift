// The buffers between the layers of one rank, made once, for the largest step of either mode; a step
// takes views of their first rows.

import TernPlanning
import TernTensor

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

    /// Limits of a step; without `logitRows`, each sequence may ask for one.
    public init(
        tokens: Int, sequences: Int, positions: Int, blocksPerSequence: Int, logitRows: Int? = nil
    ) {
        self.tokens = tokens
        self.sequences = sequences
        self.positions = positions
        self.blocksPerSequence = blocksPerSequence
        self.logitRows = logitRows ?? sequences
    }
}

/// The buffers of one rank, for the largest step.
///
/// Both modes share them: n/SP tokens with a tensor shard's columns take as many elements as n
/// tokens with 1/SP of those columns.
public struct StepBuffers: Sendable {
    /// Input ids, positions and slots of the step's tokens. Shape: `[tokens]` each, int32.
    public let tokenIDs, positions, slots: Tensor
    /// The rows whose logits are asked for, counted in the step. Shape: `[logitRows]`, int32.
    public let sampledRows: Tensor
    /// See `AttentionBatch`.
    public let spans, blocks: Tensor
    let hidden, normed, update, partial: Tensor
    let localHeads, allHeads, localAttended, allAttended: Tensor
    let gateUp, activated: Tensor
    /// The rank's own of the sampled rows, counted in its own tokens. Shape: `[logitRows]`, int32.
    let localSampledRows: Tensor
    let localSampledHidden, sampledHidden, shareOfLogits, logits: Tensor
    /// Of layers that see all positions, and of those with a window; most models have one for both.
    let rotary, localRotary: RotaryEmbedding
    /// Where the model has latent attention.
    let latent: LatentBuffers?
    /// Where the model has experts.
    let experts: ExpertBuffers?
    /// Memory of all buffers.
    public let bytes: Int

    /// Reserves the buffers; they become resident as far as steps use them. `fill` comes before
    /// the first step.
    public init(
        _ model: ModelConfiguration, layout: RankLayout, limits: StepLimits
    ) throws(StorageError) {
        var bytes = 0
        func buffer(_ shape: Shape, _ dtype: DType = .float32) throws(StorageError) -> Tensor {
            bytes += shape.count * dtype.bytes
            return try Tensor(zeros: shape, dtype: dtype)
        }
        let sizes = BufferSizes(model, layout: layout, tokens: limits.tokens)
        let (tokens, sequences, rows) = (limits.tokens, limits.sequences, limits.logitRows)
        tokenIDs = try buffer([tokens], .int32)
        positions = try buffer([tokens], .int32)
        slots = try buffer([tokens], .int32)
        sampledRows = try buffer([rows], .int32)
        localSampledRows = try buffer([rows], .int32)
        spans = try buffer([sequences, 4], .int32)
        blocks = try buffer([sequences * limits.blocksPerSequence], .int32)
        hidden = try buffer([tokens, model.hiddenSize])
        normed = try buffer([tokens, model.hiddenSize])
        update = try buffer([tokens, model.hiddenSize])
        partial = try layout.headGroup.isSingle ? update : buffer([tokens, model.hiddenSize])
        localHeads = try buffer([sizes.localHeads])
        localAttended = try buffer([sizes.localAttended])
        let tradesHeads = layout.topology.sequenceParallelSize > 1
        allHeads = try tradesHeads ? buffer([sizes.allHeads]) : localHeads
        allAttended = try tradesHeads ? buffer([sizes.allAttended]) : localAttended
        gateUp = try buffer([2 * sizes.inner])
        activated = try buffer([sizes.inner])
        sampledHidden = try buffer([rows, model.hiddenSize])
        localSampledHidden = try tradesHeads ? buffer(sampledHidden.shape) : sampledHidden
        shareOfLogits = try buffer([rows, sizes.vocabulary])
        logits =
            try layout.isOutput && !layout.headGroup.isSingle
            ? buffer([rows, model.vocabularySize]) : shareOfLogits
        rotary = try RotaryEmbedding(model.rope, positions: limits.positions)
        localRotary =
            try model.localRope.map { (rope) throws(StorageError) in
                try RotaryEmbedding(rope, positions: limits.positions)
            } ?? rotary
        latent = try LatentBuffers(model, layout: layout, tokens: tokens)
        experts = try ExpertBuffers(model, layout: layout, tokens: tokens)
        let angles = rotary.bytes + (model.localRope == nil ? 0 : localRotary.bytes)
        self.bytes = bytes + angles + (latent?.bytes ?? 0) + (experts?.bytes ?? 0)
    }

    /// Computes what does not change from step to step, for sequences of so many positions.
    public func fill(positions: Int) {
        rotary.fill(positions: positions)
        if !localRotary.table.isSameView(as: rotary.table) {
            localRotary.fill(positions: positions)
        }
    }
}

/// Elements of the buffers whose rows and columns depend on the view: the most of any view.
private struct BufferSizes {
    var localHeads = 0
    var localAttended = 0
    let allHeads: Int
    let allAttended: Int
    var inner = 0
    let vocabulary: Int

    init(_ model: ModelConfiguration, layout: RankLayout, tokens: Int) {
        let widths = model.headWidths
        let parts = layout.topology.parts
        let inner = [
            model.hasDenseLayers ? model.intermediateSize : 0, model.experts?.sharedWidth ?? 0,
        ].map { ShardRanges(Partition(panelsOf: $0, parts: parts)) }
        for view in layout.allViews {
            let rows = TokenPartition(tokens: tokens, among: view.sequenceGroup.size)[0].count
            let queries = layout.heads.queries[view.tensorGroup].count
            let keysValues = layout.heads.keysValues[view.tensorGroup].count
            localHeads = max(
                localHeads, rows * (queries * widths.query + keysValues * widths.keyValue))
            localAttended = max(localAttended, rows * queries * widths.attended)
            for shards in inner {
                self.inner = max(
                    self.inner, min(rows, MLP.rowsAtOnce) * shards[view.tensorGroup].count)
            }
        }
        let (queries, keysValues) = (layout.ownQueryHeads.count, layout.ownKeyValueHeads.count)
        allAttended = tokens * queries * widths.attended
        allHeads = tokens * (queries * widths.query + keysValues * widths.keyValue)
        vocabulary =
            ShardRanges(
                Partition(panelsOf: model.vocabularySize, parts: parts))[
                layout.headGroup
            ].count
    }
}
