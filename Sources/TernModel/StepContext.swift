// What the layers of one rank see of one step: its inputs, the cache, and the buffers between
// layers. The buffers are made once, for the largest step; a step takes views of their first rows.

import TernTensor

/// The largest step that buffers are made for.
public struct StepLimits: Sendable, Equatable {
    /// Tokens of one step.
    public let tokens: Int
    /// Sequences of one step, each of which may ask for logits.
    public let sequences: Int
    /// Positions of one sequence.
    public let positions: Int
    /// Blocks of one sequence.
    public let blocksPerSequence: Int

    /// Limits of a step.
    public init(tokens: Int, sequences: Int, positions: Int, blocksPerSequence: Int) {
        self.tokens = tokens
        self.sequences = sequences
        self.positions = positions
        self.blocksPerSequence = blocksPerSequence
    }
}

/// The buffers of one rank, for the largest step.
public struct StepBuffers: Sendable {
    /// Input ids, positions and slots of the tokens. Shape: `[tokens]` each, int32.
    public let tokenIDs, positions, slots: Tensor
    /// The rows whose logits are asked for. Shape: `[sequences]`, int32.
    public let sampledRows: Tensor
    /// See `AttentionBatch`.
    public let spans, blocks: Tensor
    let hidden, normed, update, queries, attended, keysValues, gateUp, activated: Tensor
    let sampledHidden, logits: Tensor
    let rotary: RotaryEmbedding
    /// Memory of all buffers.
    public let bytes: Int

    /// Reserves the buffers; they become resident as far as steps use them. `fill` comes before
    /// the first step.
    public init(_ model: ModelConfiguration, limits: StepLimits) throws(StorageError) {
        var bytes = RotaryEmbedding.bytes(
            headDimension: model.headDimension, positions: limits.positions)
        func buffer(_ shape: Shape, _ dtype: DType = .float32) throws(StorageError) -> Tensor {
            bytes += shape.count * dtype.bytes
            return try Tensor(zeros: shape, dtype: dtype)
        }
        let tokens = limits.tokens
        tokenIDs = try buffer([tokens], .int32)
        positions = try buffer([tokens], .int32)
        slots = try buffer([tokens], .int32)
        sampledRows = try buffer([limits.sequences], .int32)
        spans = try buffer([limits.sequences, 4], .int32)
        blocks = try buffer([limits.sequences * limits.blocksPerSequence], .int32)
        hidden = try buffer([tokens, model.hiddenSize])
        normed = try buffer([tokens, model.hiddenSize])
        update = try buffer([tokens, model.hiddenSize])
        queries = try buffer([tokens, model.queryHeads, model.headDimension])
        attended = try buffer([tokens, model.queryHeads, model.headDimension])
        keysValues = try buffer([tokens, model.keyValueHeads, 2, model.headDimension])
        gateUp = try buffer([tokens, 2 * model.intermediateSize])
        activated = try buffer([tokens, model.intermediateSize])
        sampledHidden = try buffer([limits.sequences, model.hiddenSize])
        logits = try buffer([limits.sequences, model.vocabularySize])
        rotary = try RotaryEmbedding(
            model.rope, headDimension: model.headDimension, positions: limits.positions)
        self.bytes = bytes
    }

    /// Computes what does not change from step to step, for sequences of so many positions.
    public func fill(positions: Int) { rotary.fill(positions: positions) }
}

/// One step as the layers see it: views of the buffers' first rows.
public struct StepContext: Sendable {
    let backend: any Backend
    let cache: PagedKVCache
    let tokens: Int
    let tokenIDs, positions, slots, sampledRows: Tensor
    let batch: AttentionBatch
    let hidden, normed, update, queries, attended, keysValues, gateUp, activated: Tensor
    let sampledHidden, logits: Tensor
    let rotary: RotaryEmbedding

    /// Views for a number of tokens, sequences, entries of block tables and rows with logits.
    public init(
        _ buffers: StepBuffers, backend: any Backend, cache: PagedKVCache, tokens: Int,
        sequences: Int, tableEntries: Int, sampled: Int
    ) {
        self.backend = backend
        self.cache = cache
        self.tokens = tokens
        tokenIDs = buffers.tokenIDs.prefix(tokens)
        positions = buffers.positions.prefix(tokens)
        slots = buffers.slots.prefix(tokens)
        sampledRows = buffers.sampledRows.prefix(sampled)
        batch = AttentionBatch(
            spans: buffers.spans.prefix(sequences), blocks: buffers.blocks.prefix(tableEntries))
        hidden = buffers.hidden.prefix(tokens)
        normed = buffers.normed.prefix(tokens)
        update = buffers.update.prefix(tokens)
        queries = buffers.queries.prefix(tokens)
        attended = buffers.attended.prefix(tokens)
        keysValues = buffers.keysValues.prefix(tokens)
        gateUp = buffers.gateUp.prefix(tokens)
        activated = buffers.activated.prefix(tokens)
        sampledHidden = buffers.sampledHidden.prefix(sampled)
        logits = buffers.logits.prefix(sampled)
        rotary = buffers.rotary
    }
}
