// One mode as one rank sees it: the groups it meets with. Tensor mode is no second code path, it is
// sequence mode with one sequence rank and P tensor ranks. This is the one place where a mode is
// resolved; layers read groups, and an all-to-all over a group of one is the identity.

/// The groups that one rank works with in a step.
public struct ParallelView: Sendable, Equatable {
    /// Ranks that split the step's tokens.
    public let sequenceGroup: RankGroup
    /// Ranks that hold the same tokens and split the weights.
    public let tensorGroup: RankGroup
    /// Ranks among which experts are divided.
    public let expertGroup: RankGroup
    /// Ranks that split the inner width of each of this rank's experts.
    public let expertTensorGroup: RankGroup

    /// Resolves a mode for a rank.
    public init(_ mode: ParallelMode, of rank: RankID, in topology: Topology) {
        let alone = RankGroup([rank], index: 0)
        let isSplitByTokens = mode == .sequence
        sequenceGroup = isSplitByTokens ? topology.group(.sequence, of: rank) : alone
        tensorGroup = topology.group(isSplitByTokens ? .tensor : .shift, of: rank)
        expertGroup = topology.expertGroup.map { topology.group(.expert($0), of: rank) } ?? alone
        switch topology.expertGroup {
        case nil: expertTensorGroup = tensorGroup
        case .dataSequenceTensor: expertTensorGroup = alone
        case .dataTensor:
            expertTensorGroup = isSplitByTokens ? alone : topology.group(.sequence, of: rank)
        }
    }
}
