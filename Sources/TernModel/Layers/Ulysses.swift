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
    /// Shape: `[tokens, queryHeads · query + keyValueHeads · keyValue]`.
    let rows: Tensor
    /// Shape: `[tokens, queryHeads, query]`.
    let queries: Tensor
    /// Shape: `[tokens, keyValueHeads, keyValue]`, and what of it are keys and values.
    let keysValues, keys, values: Tensor

    init(
        _ buffer: Tensor, tokens: Int, queryHeads: Int, keyValueHeads: Int, _ widths: HeadWidths
    ) {
        let split = queryHeads * widths.query
        let width = split + keyValueHeads * widths.keyValue
        rows = buffer.reused(as: Shape(tokens, width))
        queries = rows.columns(0..<split, as: Shape(queryHeads, widths.query))
        keysValues = rows.columns(split..<width, as: Shape(keyValueHeads, widths.keyValue))
        keys = keysValues.last(widths.keys)
        values = keysValues.last(widths.values)
    }
}

/// The two all-to-alls of a step, over its sequence group.
///
/// Cost: received elements per rank and layer, with N tokens in the step and n of them this rank's,
/// hq query and hk key-value heads per head block of dimension d:
/// `(N - n)(hq + 2 hk) d + n (SP - 1) hq d`. With widths of their own, `HeadWidths` has them.
struct Ulysses: Sendable {
    private let group: RankGroup
    private let toHeads: Exchange
    private let toTokens: Exchange

    /// The tables of a step. `tokens` are divided over the view's sequence group.
    init(_ view: ParallelView, heads: HeadLayout, _ widths: HeadWidths, tokens: TokenPartition) {
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
        let ownQueries = heads.queries.ranges[firstBlock + group.index].count
        let ownKeysValues =
            heads.keysValues.ranges[firstBlock + group.index].count * widths.keyValue
        let localRows = 0..<own.count
        for member in 0..<group.size {
            let queries = heads.queries.ranges[firstBlock + member]
            let keysValues = heads.keysValues.ranges[firstBlock + member]
            func theirs(_ width: Int) -> Range<Int> {
                columns(queries, from: -local.lowerBound * width, width: width)
            }
            given.append(Tile(rows: localRows, columns: theirs(widths.query)))
            given.append(
                Tile(
                    rows: localRows,
                    columns: columns(
                        keysValues,
                        from: local.count * widths.query
                            - localKeysValues.lowerBound * widths.keyValue,
                        width: widths.keyValue)))
            let rows = tokens[member]
            let split = ownQueries * widths.query
            taken.append(Tile(rows: rows, columns: 0..<split))
            taken.append(Tile(rows: rows, columns: split..<split + ownKeysValues))
            returned.append(Tile(rows: rows, columns: 0..<ownQueries * widths.attended))
            restored.append(Tile(rows: localRows, columns: theirs(widths.attended)))
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
