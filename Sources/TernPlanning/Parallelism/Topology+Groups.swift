// The groups of a topology: all ranks that differ along some axes only. The order of the axes is the
// order inside the group, and for the shift group that order is the design: see `GroupKind.shift`.

/// A kind of group that ranks form.
public enum GroupKind: Sendable, Equatable {
    /// Ranks that split weights in both modes. Order: t.
    case tensor
    /// Ranks that split tokens in sequence mode. Order: s.
    case sequence
    /// Stages. Order: p.
    case pipeline
    /// Replicas that step together where they share experts. Order: d.
    case data
    /// Replicas that generate independently. Order: e.
    case externalData
    /// Ranks that split weights in tensor mode. Order: t-major, index t · SP + s, for in sequence
    /// mode rank (s, t) ends up with head block t · SP + s: with the same index here it owns the
    /// same heads in both modes, and the KV cache never moves.
    case shift
    /// Ranks among which experts are divided. Order: d, t under dp-tp; d, t, s under dp-sp-tp.
    case expert(ExpertGroup)
    /// The reference's first step where key-value heads are shared: all-to-all among the ranks
    /// `s = a · ag + g` of one g. Order: a.
    case sequenceAllToAll(keyValueHeads: Int)
    /// The reference's second step: all-gather among the ranks of one a. Order: g.
    case sequenceAllGather(keyValueHeads: Int)
}

extension Topology {
    /// The group of a kind that a rank is in.
    public func group(_ kind: GroupKind, of rank: RankID) -> RankGroup {
        switch kind {
        case .tensor: group([.tensor], of: rank)
        case .sequence: group([.sequence], of: rank)
        case .pipeline: group([.pipeline], of: rank)
        case .data: group([.data], of: rank)
        case .externalData: group([.externalData], of: rank)
        case .shift: group([.tensor, .sequence], of: rank)
        case .expert(.dataTensor): group([.data, .tensor], of: rank)
        case .expert(.dataSequenceTensor): group([.data, .tensor, .sequence], of: rank)
        case .sequenceAllToAll(let heads):
            sequenceSubgroup(of: rank, sharing: headSharing(heads)) { $0.remainder }
        case .sequenceAllGather(let heads):
            sequenceSubgroup(of: rank, sharing: headSharing(heads)) { $0.quotient }
        }
    }

    /// All groups of a kind, in the order of their first members.
    public func groups(_ kind: GroupKind) -> [[RankID]] {
        var groups: [[RankID]] = []
        for rank in ranks {
            let members = group(kind, of: rank).members
            if !groups.contains(members) { groups.append(members) }
        }
        return groups
    }

    /// How many sequence ranks share one key-value head (`ag`); 1 where none is shared.
    ///
    /// Source: SP_AA and SP_AG of Arctic Inference.
    public func headSharing(_ keyValueHeads: Int) -> Int {
        max(1, sequenceParallelSize / max(1, keyValueHeads / tensorParallelSize))
    }

    /// The group along axes, the last one fastest.
    private func group(_ axes: [Axis], of rank: RankID) -> RankGroup {
        var base = Int(rank.rawValue)
        for axis in axes { base -= coordinate(axis, of: rank) * stride(axis) }
        var members = [base]
        var index = 0
        for axis in axes {
            members = members.flatMap { first in
                (0..<self[axis]).map { first + $0 * stride(axis) }
            }
            index = index * self[axis] + coordinate(axis, of: rank)
        }
        return RankGroup(members.map { RankID($0) }, index: index)
    }

    private func sequenceSubgroup(
        of rank: RankID, sharing: Int,
        by key: ((quotient: Int, remainder: Int)) -> Int
    ) -> RankGroup {
        let whole = group(.sequence, of: rank)
        let own = key(whole.index.quotientAndRemainder(dividingBy: sharing))
        let places = whole.members.indices.filter {
            key($0.quotientAndRemainder(dividingBy: sharing)) == own
        }
        guard let index = places.firstIndex(of: whole.index) else {
            preconditionFailure("rank \(rank) is not among its own subgroup \(places)")
        }
        return RankGroup(places.map { whole.members[$0] }, index: index)
    }
}
