// The rows of a step that need logits: whose they are among the ranks that split the tokens, and where
// each rank's share of the vocabulary goes.

import TernParallel
import TernPlanning
import TernTensor

/// The sampled rows of one step, as one rank of the last stage sees them.
struct SampledRows: Sendable {
    /// Which of them each sequence rank holds.
    let partition: TokenPartition
    /// This rank's, counted in their turn of its own tokens. Shape: `[own]`, int32.
    private(set) var localRows: Tensor
    /// Shape: `[own, hidden]`.
    private(set) var localHidden: Tensor
    /// The same where nothing is to be gathered. Shape: `[all, hidden]`.
    let hidden: Tensor
    /// Shape: `[all, this rank's share of the vocabulary]`.
    let shareOfLogits: Tensor
    /// Shape: `[all, vocabulary]` on the output rank.
    let logits: Tensor
    /// Every rank's share goes to the output rank, into its columns.
    let logitExchange: Exchange
    /// Which of this rank's each turn has, where there are several.
    private let ofTurns: TokenPartition?

    /// Number of all of them.
    var count: Int { partition.count }

    init(
        _ buffers: StepBuffers, _ room: Activations, layout: RankLayout, view: ParallelView,
        _ tokens: TokenPartition, _ turns: RowTurns, _ count: Int
    ) {
        let own = tokens[view.sequenceGroup.index]
        var counts = Array(repeating: 0, count: tokens.slices)
        var turnCounts = turns.count == 1 ? [] : Array(repeating: 0, count: turns.count)
        buffers.sampledRows.withElements(of: Int32.self) { rows in
            buffers.localSampledRows.withElements(of: Int32.self) { localRows in
                var slice = 0
                var last: Int32 = 0
                for row in rows.prefix(count) {
                    precondition(
                        row >= last && Int(row) < tokens.count,
                        "sampled row \(row) after \(last), of a step of \(tokens.count) tokens")
                    last = row
                    while Int(row) >= tokens[slice].upperBound { slice += 1 }
                    if own.contains(Int(row)) {
                        let turn = turns.turn(of: Int(row) - own.lowerBound)
                        localRows[counts[slice]] =
                            row - Int32(own.lowerBound + turns[turn].lowerBound)
                        if turns.count > 1 { turnCounts[turn] += 1 }
                    }
                    counts[slice] += 1
                }
            }
        }
        ofTurns = turns.count == 1 ? nil : TokenPartition(counts: turnCounts)
        partition = TokenPartition(counts: counts)
        let local = partition[view.sequenceGroup.index].count
        localRows = buffers.localSampledRows.prefix(local)
        hidden = room.sampledHidden.prefix(count)
        localHidden =
            view.sequenceGroup.isSingle ? hidden : room.localSampledHidden.prefix(local)
        shareOfLogits = room.shareOfLogits.prefix(count)
        logits = room.logits.prefix(count)
        logitExchange = Self.exchange(layout, rows: count, width: shareOfLogits.shape[1], logits)
    }

    /// Those of one turn alone; what is of all rows stays.
    func turn(_ index: Int) -> SampledRows {
        guard let ofTurns else { return self }
        var rows = self
        rows.localRows = localRows.rows(ofTurns[index])
        rows.localHidden = localHidden.rows(ofTurns[index])
        return rows
    }

    private static func exchange(
        _ layout: RankLayout, rows: Int, width: Int, _ logits: Tensor
    ) -> Exchange {
        let group = layout.headGroup
        var sends = Array(repeating: Tile.empty, count: group.size)
        var receives = sends
        sends[0] = Tile(rows: 0..<rows, columns: 0..<width)
        if group.index == 0 {
            let vocabulary = Partition(panelsOf: logits.shape[1], parts: layout.topology.parts)
            receives = (0..<group.size).map {
                Tile(rows: 0..<rows, columns: vocabulary.range(of: $0, among: group.size))
            }
        }
        return Exchange(sends: sends, receives: receives)
    }
}
