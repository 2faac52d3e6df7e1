// The rows of a step that need logits: whose they are among the ranks that split the tokens, and where
// each rank's share of the vocabulary goes.

import TernParallel
import TernPlanning
import TernTensor

/// The sampled rows of one step, as one rank of the last stage sees them.
struct SampledRows: Sendable {
    /// Which of them each sequence rank holds.
    let partition: TokenPartition
    /// This rank's, counted in its own tokens. Shape: `[own]`, int32.
    let localRows: Tensor
    /// Shape: `[own, hidden]`, and `[all, hidden]`; the same where nothing is to be gathered.
    let localHidden, hidden: Tensor
    /// Shape: `[all, this rank's share of the vocabulary]`.
    let shareOfLogits: Tensor
    /// Shape: `[all, vocabulary]` on the output rank.
    let logits: Tensor
    /// Every rank's share goes to the output rank, into its columns.
    let logitExchange: Exchange

    /// Number of all of them.
    var count: Int { partition.count }

    init(
        _ buffers: StepBuffers, layout: RankLayout, view: ParallelView, _ tokens: TokenPartition,
        _ count: Int
    ) {
        let own = tokens[view.sequenceGroup.index]
        var counts = Array(repeating: 0, count: tokens.slices)
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
                        localRows[counts[slice]] = row - Int32(own.lowerBound)
                    }
                    counts[slice] += 1
                }
            }
        }
        partition = TokenPartition(counts: counts)
        let local = partition[view.sequenceGroup.index].count
        localRows = buffers.localSampledRows.prefix(local)
        hidden = buffers.sampledHidden.prefix(count)
        localHidden =
            view.sequenceGroup.isSingle ? hidden : buffers.localSampledHidden.prefix(local)
        shareOfLogits = buffers.shareOfLogits.prefix(count)
        logits = buffers.logits.prefix(count)
        logitExchange = Self.exchange(layout, rows: count, width: shareOfLogits.shape[1], logits)
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
