// The ranks that meet in a collective, in an order that counts: what is gathered over a group lies
// in the group's order, never in the order of rank numbers. How they meet is a communicator's.

/// An ordered group of ranks, as one of its members sees it.
public struct RankGroup: Sendable, Equatable {
    /// The members; each once.
    public let members: [RankID]
    /// The place of the rank that looks.
    public let index: Int

    /// A group in which a rank has a place.
    public init(_ members: [RankID], index: Int) {
        precondition(members.indices.contains(index), "place \(index) of \(members.count) ranks")
        self.members = members
        self.index = index
    }

    /// Number of ranks.
    public var size: Int { members.count }
    /// Whether the rank is alone, and every collective the identity.
    public var isSingle: Bool { members.count == 1 }
    /// The rank that looks.
    public var rank: RankID { members[index] }

    /// The members of this group that another one has too, in this group's order.
    public func intersection(_ other: RankGroup) -> RankGroup {
        let common = members.filter(other.members.contains)
        guard let place = common.firstIndex(of: rank) else {
            preconditionFailure("rank \(rank) is not in \(other.members)")
        }
        return RankGroup(common, index: place)
    }

    /// Whether every member is in another group too.
    public func isSubset(of other: RankGroup) -> Bool {
        members.allSatisfy(other.members.contains)
    }
}
