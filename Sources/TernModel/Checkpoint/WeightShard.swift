// One resident weight, seen in as many ways as there are views: the shift costs no copy. Which ranks
// look is the view's; where the bytes lie is PackedWeight's.

import TernPlanning
import TernTensor

/// A weight held once, of which each rank of a group sees its shard.
public struct WeightShard: Sendable {
    /// Along which dimension a weight is split.
    enum Cut: Sendable {
        /// Column-parallel: ranges of the layout's blocks, one per part.
        case outputs(ShardRanges)
        /// Row-parallel: the parts of the inputs.
        case inputs(parts: Int)
    }

    /// All of it.
    let whole: PackedWeight
    let cut: Cut

    /// The shard of a group's member. Cost: a view; nothing is allocated or copied.
    func callAsFunction(_ group: RankGroup) -> PackedWeight {
        switch cut {
        case .outputs(let blocks): return whole.outputs(blocks: blocks[group])
        case .inputs(let parts): return whole.inputs(parts: Self.parts(parts, of: group))
        }
    }

    /// Which of so many parts of the inputs a group's member has.
    static func parts(_ parts: Int, of group: RankGroup) -> Range<Int> {
        let width = parts / group.size
        precondition(width * group.size == parts, "\(parts) parts for \(group.size) ranks")
        return group.index * width..<(group.index + 1) * width
    }
}
