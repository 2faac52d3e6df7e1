// What fills a declared weight, in shares: every rank writes what it reads in tensor mode. Memory
// comes to lie on the node of the thread that touches it first, so it lies where it is read; and the
// work is divided evenly. In sequence mode a rank reads the shares of neighbours in the shift group.

import TernPlanning
import TernTensor

/// Fills one weight, or the part of it that one tensor of a checkpoint holds.
///
/// Thread: any; what ranks fill of one weight never overlaps.
public struct WeightFill: Sendable {
    /// What of a weight is to be filled.
    struct Share: Sendable, Equatable {
        /// Blocks of the source; nil for all.
        var blocks: Range<Int>?
        /// Parts of the inputs; nil for all.
        var inputParts: Range<Int>?
    }

    /// Who reads it in tensor mode.
    enum Readers: Sendable {
        /// All of it is read by every rank of the stage; the number tells whose turn it is.
        case everyone(turn: Int)
        /// The ranks of the stage split it; a cut of outputs counts the source's blocks.
        case stage(WeightShard.Cut)
        /// The ranks that have the expert split it.
        case expert(ExpertNumber, WeightShard.Cut)
    }

    /// Fills a share; throws where the system refuses memory for what is on its way.
    typealias Body = @Sendable (Share, any Backend) throws(StorageError) -> Void

    private let readers: Readers
    private let fill: Body

    init(_ readers: Readers, _ fill: @escaping Body) {
        self.readers = readers
        self.fill = fill
    }

    /// Fills a rank's share.
    ///
    /// `layouts` are those of the rank and of its likes in the other replicas that use the same
    /// weight, for which it fills too. All ranks of a replica's stage together fill everything.
    ///
    /// Throws: `StorageError` where the system refuses memory.
    public func callAsFunction(
        for layouts: [RankLayout], on backend: any Backend
    ) throws(StorageError) {
        if let share = share(of: layouts) { try fill(share, backend) }
    }

    /// Nil where nothing is to be filled.
    func share(of layouts: [RankLayout]) -> Share? {
        switch readers {
        case .everyone(let turn):
            let group = layouts[0].headGroup
            return turn % group.size == group.index ? Share() : nil
        case .stage(let cut): return Self.share(of: layouts[0].headGroup, cut)
        case .expert(let expert, let cut):
            let owner = layouts.first { $0.ownExperts(of: expert.count).contains(expert.index) }
            return owner.flatMap { Self.share(of: $0[.tensor].expertTensorGroup, cut) }
        }
    }

    /// A member's shard, without what the member before it reads too.
    private static func share(of group: RankGroup, _ cut: WeightShard.Cut) -> Share? {
        switch cut {
        case .outputs(let blocks):
            let own = blocks[group]
            let before =
                group.index == 0
                ? 0 : blocks[RankGroup(group.members, index: group.index - 1)].upperBound
            let first = max(own.lowerBound, before)
            return first < own.upperBound ? Share(blocks: first..<own.upperBound) : nil
        case .inputs(let parts): return Share(inputParts: WeightShard.parts(parts, of: group))
        }
    }
}

/// One of a layer's experts.
struct ExpertNumber: Sendable {
    let index: Int
    /// How many the layer has.
    let count: Int
}
