// What a layer holds of the rows that go through it together, as views of a mode's activations. Whose
// rows they are is the step's business.

import TernPlanning
import TernTensor

/// The values of some rows between the ops of a layer.
struct HeldRows: Sendable {
    /// Shape: `[own, hidden]`.
    private(set) var normed, update, partial: Tensor
    /// Of own rows with the tensor shard's heads, of all rows with own heads; where no tokens are
    /// traded, the two are one.
    let localHeads, allHeads: HeadRows
    /// Shape: `[own, the tensor shard's heads, dimension]`.
    private(set) var localAttended: Tensor
    /// Shape: `[all, own heads, dimension]`.
    let allAttended: Tensor

    /// Views for so many of the rank's own rows, and so many of all ranks that split them.
    init(_ rank: RankResources, _ mode: ParallelMode, own: Int, all: Int) {
        let (room, layout, widths) = (rank.buffers[mode], rank.layout, rank.widths)
        let view = layout[mode]
        normed = room.normed.prefix(own)
        update = room.update.prefix(own)
        partial = room.partial.prefix(own)
        let queries = layout.heads.queries[view.tensorGroup].count
        localHeads = HeadRows(
            room.localHeads, tokens: own, queryHeads: queries,
            keyValueHeads: layout.heads.keysValues[view.tensorGroup].count, widths)
        localAttended = room.localAttended.reused(as: Shape(own, queries, widths.attended))
        guard !view.sequenceGroup.isSingle else {
            (allHeads, allAttended) = (localHeads, localAttended)
            return
        }
        let ownQueries = layout.ownQueryHeads.count
        allHeads = HeadRows(
            room.allHeads, tokens: all, queryHeads: ownQueries,
            keyValueHeads: layout.ownKeyValueHeads.count, widths)
        allAttended = room.allAttended.reused(as: Shape(all, ownQueries, widths.attended))
    }

    /// Views for as many of these rows as are gathered, with room for what those attended.
    func sampled(_ count: Int, _ attended: Tensor) -> HeldRows {
        var rows = self
        rows.normed = normed.prefix(count)
        rows.update = update.prefix(count)
        rows.partial = partial.prefix(count)
        rows.localAttended = attended.reused(
            as: Shape(count, localAttended.shape[1], localAttended.shape[2]))
        return rows
    }
}

extension AttentionBatch {
    /// Cuts the spans of a step where turns begin: which of the spans written each turn has. A turn's
    /// rows are counted from its own first.
    func cut(into turns: RowTurns, writing cut: Tensor) -> [Range<Int>] {
        var count = 0
        return spans.withElements(of: Int32.self) { spans in
            cut.withElements(of: Int32.self) { cut in
                (0..<turns.count).map { turn in
                    let (rows, first) = (turns[turn], count)
                    for span in 0..<spans.count / 4 {
                        let start = Int(spans[span * 4])
                        let own = (start..<start + Int(spans[span * 4 + 1])).clamped(to: rows)
                        guard !own.isEmpty else { continue }
                        cut[count * 4] = Int32(own.lowerBound - rows.lowerBound)
                        cut[count * 4 + 1] = Int32(own.count)
                        cut[count * 4 + 2] = spans[span * 4 + 2] + Int32(own.lowerBound - start)
                        cut[count * 4 + 3] = spans[span * 4 + 3]
                        count += 1
                    }
                    return first..<count
                }
            }
        }
    }
}
