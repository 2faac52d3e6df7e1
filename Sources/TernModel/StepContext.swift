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

/// One step as the layers see it, or one turn of it: some of its rows, which go through all layers
/// together. `n` is the number of this rank's own tokens in it, `N` of all.
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
    /// How the own rows are cut, so that their values find room. Attention looks back alone, to keys
    /// that lie in the cache by then: rows may go all the way one run after another, as chunks of a
    /// prompt do.
    let turns: RowTurns
    /// Shape: `[n]`.
    private(set) var tokenIDs: Tensor
    /// Shape: `[n]`.
    private(set) var positions: Tensor
    /// Shape: `[N]`.
    private(set) var slots: Tensor
    private(set) var batch: AttentionBatch
    /// Of the turn at hand, or of the first. Shape: `[n, hidden]`.
    private(set) var hidden: Tensor
    private(set) var sampled: SampledRows
    /// Of layers that see all positions, and of those with a window.
    let rotary, localRotary: RotaryEmbedding
    /// The query heads that this rank attends with.
    let ownQueryHeads: Range<Int>
    let latent: LatentBuffers?
    let experts: ExpertBuffers?
    private(set) var expertSharing: ExpertSharing
    private var held: HeldRows
    private let rank: RankResources
    private let mode: ParallelMode
    private let turnSpans: [Range<Int>]

    /// Views for a step of some size whose numbers stand in the buffers.
    public init(_ rank: RankResources, mode: ParallelMode, _ counts: StepCounts) {
        let (layout, buffers, widths) = (rank.layout, rank.buffers, rank.widths)
        let room = buffers[mode]
        view = layout[mode]
        let partition = TokenPartition(tokens: counts.tokens, among: view.sequenceGroup.size)
        let own = partition[view.sequenceGroup.index]
        turns = RowTurns(own.count, atMost: room.rows)
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
        turnSpans = turns.count == 1 ? [] : batch.cut(into: turns, writing: buffers.turnSpans)
        hidden = room.hidden.prefix(turns[0].count)
        held = HeldRows(rank, mode, own: turns[0].count, all: counts.tokens)
        sampled = SampledRows(
            buffers, room, layout: layout, view: view, partition, turns, counts.sampled)
        ownQueryHeads = layout.ownQueryHeads
        rotary = buffers.rotary
        localRotary = buffers.localRotary
        latent = buffers.latent
        experts = buffers.experts
        expertSharing = ExpertSharing(view, tokens: own.count)
        self.rank = rank
        self.mode = mode
        buffers.reach(positions: Self.end(of: positions))
    }

    /// The rows of one turn alone. Where a step is one turn, it is that.
    func turn(_ index: Int) -> StepContext {
        guard turns.count > 1 else { return self }
        let rows = turns[index]
        var step = self
        step.tokenIDs = tokenIDs.rows(rows)
        step.positions = positions.rows(rows)
        step.slots = slots.rows(rows)
        step.batch = AttentionBatch(
            spans: rank.buffers.turnSpans.rows(turnSpans[index]), blocks: batch.blocks)
        step.hidden = rank.buffers[mode].hidden.prefix(rows.count)
        step.held = HeldRows(rank, mode, own: rows.count, all: rows.count)
        step.sampled = sampled.turn(index)
        return step
    }

    /// This turn with those of the rank's tokens alone whose logits are asked for, as soon as no
    /// layer attends any more: their hidden values and what they attended are gathered. Only the half
    /// of a layer behind its attention may take it: positions and slots are still those of all.
    func onlySampled() -> StepContext {
        var step = self
        step.hidden = sampled.localHidden
        step.held = held.sampled(
            sampled.localRows.shape[0], rank.buffers[mode].sampledAttended)
        step.expertSharing = ExpertSharing(view, tokens: sampled.localRows.shape[0])
        backend.gather(hidden, rows: sampled.localRows, into: step.hidden)
        backend.gather(
            localAttended.flattened, rows: sampled.localRows, into: step.localAttended.flattened)
        return step
    }

    /// One past the last of some positions.
    private static func end(of positions: Tensor) -> Int {
        positions.withElements(of: Int32.self) { positions in
            var end: Int32 = 0
            for index in 0..<positions.count { end = max(end, positions[index] + 1) }
            return Int(end)
        }
    }
}

/// Room for what a layer makes of the rows at hand.
extension StepContext {
    /// Shape: `[n, hidden]`.
    var normed: Tensor { held.normed }
    /// Shape: `[n, hidden]`.
    var update: Tensor { held.update }
    /// Shape: `[n, hidden]`.
    var partial: Tensor { held.partial }
    /// Of the tensor shard's heads and own tokens; of own heads and all tokens.
    var localHeads: HeadRows { held.localHeads }
    var allHeads: HeadRows { held.allHeads }
    /// Shape: `[n, the tensor shard's heads, dimension]`.
    var localAttended: Tensor { held.localAttended }
    /// Shape: `[N, own heads, dimension]`.
    var allAttended: Tensor { held.allAttended }

    /// Room for queries in the latent space. Shape: `[N, own heads, key]`.
    func absorbed(_ latent: LatentBuffers) -> Tensor {
        latent.absorbed.reused(
            as: Shape(slots.shape[0], ownQueryHeads.count, rank.widths.keys.count))
    }

    /// Room for what they attended. Shape: `[N, own heads, value]`.
    func attendedLatents(_ latent: LatentBuffers) -> Tensor {
        latent.attended.reused(
            as: Shape(slots.shape[0], ownQueryHeads.count, rank.widths.values.count))
    }

    /// How many rows' inner values an MLP has room for.
    var rowsAtOnce: Int { rank.buffers.rowsAtOnce }

    /// Room for gates and ups of some of the rank's tokens, at most `rowsAtOnce`.
    /// Shape: `[rows, columns]`.
    func gateUp(rows: Int, columns: Int) -> Tensor {
        rank.buffers[mode].gateUp.reused(as: Shape(rows, columns))
    }
}
