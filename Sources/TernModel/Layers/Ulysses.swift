// Station 8, around attention: ranks that hold some tokens with all heads of their tensor shard trade
// them for all tokens with some heads, and back. Where the sequence group has one rank, both are the
// identity, and nothing is moved.
//
// Source: DeepSpeed-Ulysses, arXiv 2309.14509; Arctic Inference, whose three collectives for shared
// key-value heads (all-to-all, all-gather, reorder) are one exchange here.

import TernParallel
import TernPlanning
import TernTensor

/// Queries, keys and values of some tokens, side by side in one row per token.
struct HeadRows: Sendable {
    /// Shape: `[tokens, (queryHeads + 2 keyValueHeads) · dimension]`.
    let rows: Tensor
    /// Shape: `[tokens, queryHeads, dimension]`.
    let queries: Tensor
    /// Shape: `[tokens, keyValueHeads, 2, dimension]`.
    let keysValues: Tensor

    init(
        _ buffer: Tensor, tokens: Int, queryHeads: Int, keyValueHeads: Int, dimension: Int
    ) {
        let split = queryHeads * dimension
        let width = split + 2 * keyValueHeads * dimension
        rows = buffer.reused(as: Shape(tokens, width))
        queries = rows.columns(0..<split, as: Shape(queryHeads, dimension))
        keysValues = rows.columns(split..<width, as: Shape(keyValueHeads, 2, dimension))
    }
}

/// The two all-to-alls of a step, over its sequence group.
///
/// Cost: received elements per rank and layer, with N tokens in the step and n of them this rank's,
/// hq query and hk key-value heads per head block of dimension d:
/// `(N - n)(hq + 2 hk) d + n (SP - 1) hq d`.
struct Ulysses: Sendable {
    private let group: RankGroup
    private let toHeads: Exchange
    private let toTokens: Exchange

    /// The tables of a step. `tokens` are divided over the view's sequence group.
    init(_ view: ParallelView, heads: HeadLayout, dimension: Int, tokens: TokenPartition) {
        group = view.sequenceGroup
        let local = heads.queries[view.tensorGroup]
        let localKeysValues = heads.keysValues[view.tensorGroup]
        let own = tokens[group.index]
        let firstBlock = view.tensorGroup.index * group.size
        func columns(_ range: Range<Int>, from start: Int, width: Int) -> Range<Int> {
            start + range.lowerBound * width..<start + range.upperBound * width
        }
        var given: [Tile] = []
        var taken: [Tile] = []
        var returned: [Tile] = []
        var restored: [Tile] = []
        let ownQueries = heads.queries.ranges[firstBlock + group.index].count * dimension
        let ownKeysValues = heads.keysValues.ranges[firstBlock + group.index].count * 2 * dimension
        let localRows = 0..<own.count
        for member in 0..<group.size {
            let queries = heads.queries.ranges[firstBlock + member]
            let keysValues = heads.keysValues.ranges[firstBlock + member]
            let theirs = columns(queries, from: -local.lowerBound * dimension, width: dimension)
            given.append(Tile(rows: localRows, columns: theirs))
            given.append(
                Tile(
                    rows: localRows,
                    columns: columns(
                        keysValues,
                        from: (local.count - 2 * localKeysValues.lowerBound) * dimension,
                        width: 2 * dimension)))
            let rows = tokens[member]
            taken.append(Tile(rows: rows, columns: 0..<ownQueries))
            taken.append(Tile(rows: rows, columns: ownQueries..<ownQueries + ownKeysValues))
            returned.append(Tile(rows: rows, columns: 0..<ownQueries))
            restored.append(Tile(rows: localRows, columns: theirs))
        }
        toHeads = Exchange(tilesPerMember: 2, sends: given, receives: taken)
        toTokens = Exchange(sends: returned, receives: restored)
    }

    /// Own tokens with the shard's heads become all tokens with own heads.
    func scatterHeads(
        _ local: HeadRows, into all: HeadRows, by communicator: any Communicator
    ) throws(CommunicationError) {
        guard !group.isSingle else { return }
        try communicator.allToAll(local.rows, into: all.rows, toHeads, over: group)
    }

    /// All tokens with own heads become own tokens with the shard's heads.
    func gatherHeads(
        _ all: Tensor, into local: Tensor, by communicator: any Communicator
    ) throws(CommunicationError) {
        guard !group.isSingle else { return }
        try communicator.allToAll(all.flattened, into: local.flattened, toTokens, over: group)
    }
}
