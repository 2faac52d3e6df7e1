// How the ranks of one step share the experts: who has which, whether tokens must travel to them,
// and which of its tokens a rank sends. Resolved from the view's groups once per step.

import TernPlanning

/// The sharing of experts in one step.
///
/// Where all that share the experts hold the same tokens, each runs its own experts on all of them
/// and the results are added. Where they hold different tokens, these travel.
struct ExpertSharing: Sendable {
    /// Ranks among which experts are divided.
    let group: RankGroup
    /// Ranks that split the inner width of each of this rank's experts; they have the same tokens.
    let widthGroup: RankGroup
    /// The ranks of `group` that hold this rank's tokens too.
    let peers: RankGroup
    /// The tokens that each peer answers for, of those they all hold.
    let slices: TokenPartition
    /// Whether tokens travel to their experts.
    let isDispatched: Bool

    /// Resolves a view for so many tokens of the rank's own.
    init(_ view: ParallelView, tokens: Int) {
        group = view.expertGroup
        widthGroup = view.expertTensorGroup
        isDispatched = Self.isDispatched(view)
        peers = view.tensorGroup.intersection(view.expertGroup)
        slices = TokenPartition(tokens: tokens, among: peers.size)
    }

    /// Whether tokens travel to their experts in a view.
    static func isDispatched(_ view: ParallelView) -> Bool {
        !view.expertGroup.isSubset(of: view.tensorGroup)
    }

    /// The tokens of this rank's own that it answers for.
    var slice: Range<Int> { slices[peers.index] }
}
