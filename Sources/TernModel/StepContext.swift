// What the layers of one rank see of one step: its groups, its inputs, the cache, and views of the
// buffers. The mode has been resolved into groups when this is made; nothing behind it knows modes.

import TernParallel
import TernPlanning
import TernTensor

/// What one step is made of, in counts.
public struct StepCounts: Sendable, Equatable {
    /// Tokens of the step, over all ranks that split them.
    public let tokens: Int
    /// Sequences.
    public let sequences: Int
    /// Entries of their block tables.
    public let tableEntries: Int
    /// Rows whose logits are asked for.
    public let sampled: Int

    /// Counts of a step.
    public init(tokens: Int, sequences: Int, tableEntries: Int, sampled: Int) {
        self.tokens = tokens
        self.sequences = sequences
        self.tableEntries = tableEntries
        self.sampled = sampled
    }
}

/// What a rank brings to every step.
public struct RankResources {
    let layout: RankLayout
    let backend: any Backend
    let communicator: any Communicator
    let cache: PagedKVCache
    let buffers: StepBuffers
    let widths: HeadWidths

    /// A rank's place, device, peers and memory.
    public init(
        _ model: ModelConfiguration, layout: RankLayout, backend: any Backend,
        communicator: any Communicator, cache: PagedKVCache, buffers: StepBuffers
    ) {
        self.layout = layout
        self.backend = backend
        self.communicator = communicator
        self.cache = cache
        self.buffers = buffers
        widths = model.headWidths
    }
}

/// One step as the layers see it. `n` is the number of this rank's own tokens, `N` of all.
public struct StepContext {
    let backend: any Backend
    let communicator: any Communicator
    let cache: PagedKVCache
    /// The groups of this step.
    let view: ParallelView
    /// The stages of this rank's place.
    let pipelineGroup: RankGroup
    /// The ranks that split the vocabulary.
    let headGroup: RankGroup
    let ulysses: Ulysses
    /// Shape: `[n]`.
    let tokenIDs, positions: Tensor
    /// Shape: `[N]`.
    let slots: Tensor
    let batch: AttentionBatch
    /// Shape: `[n, hidden]`.
    private(set) var hidden, normed, update, partial: Tensor
    let localHeads, allHeads: HeadRows
    /// Shape: `[n, the tensor shard's heads, dimension]`.
    private(set) var localAttended: Tensor
    /// Shape: `[N, own heads, dimension]`.
    let allAttended: Tensor
    let sampled: SampledRows
    /// Of layers that see all positions, and of those with a window.
    let rotary, localRotary: RotaryEmbedding
    /// The query heads that this rank attends with.
    let ownQueryHeads: Range<Int>
    let latent: LatentBuffers?
    let experts: ExpertBuffers?
    private(set) var expertSharing: ExpertSharing
    private let buffers: StepBuffers
    private let widths: HeadWidths

    /// Views for a step of some size whose numbers stand in the buffers.
    public init(_ rank: RankResources, mode: ParallelMode, _ counts: StepCounts) {
        let (layout, buffers, widths) = (rank.layout, rank.buffers, rank.widths)
        view = layout[mode]
        let partition = TokenPartition(tokens: counts.tokens, among: view.sequenceGroup.size)
        let own = partition[view.sequenceGroup.index]
        backend = rank.backend
        communicator = rank.communicator
        cache = rank.cache
        pipelineGroup = layout.pipelineGroup
        headGroup = layout.headGroup
        ulysses = Ulysses(view, heads: layout.heads, widths, tokens: partition)
        tokenIDs = buffers.tokenIDs.rows(own)
        positions = buffers.positions.rows(own)
        slots = buffers.slots.prefix(counts.tokens)
        batch = AttentionBatch(
            spans: buffers.spans.prefix(counts.sequences),
            blocks: buffers.blocks.prefix(counts.tableEntries))
        hidden = buffers.hidden.prefix(own.count)
        normed = buffers.normed.prefix(own.count)
        update = buffers.update.prefix(own.count)
        partial = buffers.partial.prefix(own.count)
        let local = AttendedRows.local(rank, view, tokens: own.count)
        // Where no tokens are traded, the two are one.
        let all =
            view.sequenceGroup.isSingle ? local : .all(rank, tokens: counts.tokens)
        (localHeads, localAttended) = (local.heads, local.attended)
        (allHeads, allAttended) = (all.heads, all.attended)
        sampled = SampledRows(buffers, layout: layout, view: view, partition, counts.sampled)
        self.ownQueryHeads = layout.ownQueryHeads
        self.widths = widths
        rotary = buffers.rotary
        localRotary = buffers.localRotary
        latent = buffers.latent
        experts = buffers.experts
        expertSharing = ExpertSharing(view, tokens: own.count)
        self.buffers = buffers
    }

    /// This step with those of the rank's tokens alone whose logits are asked for, as soon as no
    /// layer attends any more: their hidden values and what they attended are gathered.
    func onlySampled() -> StepContext {
        let count = sampled.localRows.shape[0]
        var step = self
        step.hidden = sampled.localHidden
        step.normed = normed.prefix(count)
        step.update = update.prefix(count)
        step.partial = partial.prefix(count)
        step.expertSharing = ExpertSharing(view, tokens: count)
        // Queries have been attended with: their room is free.
        step.localAttended = buffers.localHeads.reused(
            as: Shape(count, localAttended.shape[1], localAttended.shape[2]))
        backend.gather(hidden, rows: sampled.localRows, into: step.hidden)
        backend.gather(
            localAttended.flattened, rows: sampled.localRows, into: step.localAttended.flattened)
        return step
    }

    /// Room for queries in the latent space. Shape: `[N, own heads, key]`.
    func absorbed(_ latent: LatentBuffers) -> Tensor {
        latent.absorbed.reused(
            as: Shape(slots.shape[0], ownQueryHeads.count, widths.keys.count))
    }

    /// Room for what they attended. Shape: `[N, own heads, value]`.
    func attendedLatents(_ latent: LatentBuffers) -> Tensor {
        latent.attended.reused(
            as: Shape(slots.shape[0], ownQueryHeads.count, widths.values.count))
    }

    /// Room for gates and ups of some of the rank's tokens, at most `MLP.rowsAtOnce`.
    /// Shape: `[rows, columns]`.
    func gateUp(rows: Int, columns: Int) -> Tensor {
        buffers.gateUp.reused(as: Shape(rows, columns))
    }

    /// Room for what comes of them. Shape: `[rows, columns]`.
    func activated(rows: Int, columns: Int) -> Tensor {
        buffers.activated.reused(as: Shape(rows, columns))
    }
}

/// What attention reads and writes of some tokens with some heads.
private struct AttendedRows {
    let heads: HeadRows
    let attended: Tensor

    private init(
        _ heads: Tensor, _ attended: Tensor, tokens: Int, queryHeads: Int, keyValueHeads: Int,
        _ widths: HeadWidths
    ) {
        self.heads = HeadRows(
            heads, tokens: tokens, queryHeads: queryHeads, keyValueHeads: keyValueHeads, widths)
        self.attended = attended.reused(as: Shape(tokens, queryHeads, widths.attended))
    }

    /// The rank's own tokens with the heads of its tensor shard.
    static func local(_ rank: RankResources, _ view: ParallelView, tokens: Int) -> Self {
        let heads = rank.layout.heads
        return Self(
            rank.buffers.localHeads, rank.buffers.localAttended, tokens: tokens,
            queryHeads: heads.queries[view.tensorGroup].count,
            keyValueHeads: heads.keysValues[view.tensorGroup].count, rank.widths)
    }

    /// All tokens with the rank's own heads.
    static func all(_ rank: RankResources, tokens: Int) -> Self {
        Self(
            rank.buffers.allHeads, rank.buffers.allAttended, tokens: tokens,
            queryHeads: rank.layout.ownQueryHeads.count,
            keyValueHeads: rank.layout.ownKeyValueHeads.count, rank.widths)
    }
}
