// What one rank is in its topology, resolved once: its groups under both modes, its heads, its
// layers. A step looks its view up here; what is cut for whom follows from it alone.

import TernPlanning

/// One rank's place among those that hold a model.
public struct RankLayout: Sendable {
    /// The rank.
    public let rank: RankID
    /// What it is a rank of.
    public let topology: Topology
    /// The layers of its stage.
    public let layers: Range<Int>
    /// Which heads belong to which head block.
    public let heads: HeadLayout
    /// The stages of its place, in order.
    public let pipelineGroup: RankGroup
    /// The ranks that split the vocabulary in every mode, in its order.
    public let headGroup: RankGroup
    private let views: [ParallelMode: ParallelView]

    /// Resolves a rank of a topology that fits the model.
    ///
    /// Throws: `HeadLayoutError` where the heads cannot be divided.
    public init(
        _ rank: RankID, in topology: Topology, _ model: ModelConfiguration
    ) throws(HeadLayoutError) {
        self.rank = rank
        self.topology = topology
        heads = try HeadLayout(
            queryHeads: model.queryHeads, keyValueHeads: model.keyValueHeads,
            blocks: topology.shiftSize)
        let stages = StagePartition(layers: model.layers, stages: topology.pipelineParallelSize)
        layers = stages[topology.coordinate(.pipeline, of: rank)]
        pipelineGroup = topology.group(.pipeline, of: rank)
        headGroup = topology.group(.shift, of: rank)
        views = Dictionary(
            uniqueKeysWithValues: ParallelMode.allCases.map {
                ($0, ParallelView($0, of: rank, in: topology))
            })
    }

    /// The groups of a mode.
    public subscript(mode: ParallelMode) -> ParallelView {
        guard let view = views[mode] else { preconditionFailure("no view of \(mode)") }
        return view
    }

    /// All views.
    var allViews: [ParallelView] { ParallelMode.allCases.map { self[$0] } }
    /// Query heads that the rank attends with, in every mode.
    public var ownQueryHeads: Range<Int> { heads.queries[headGroup] }
    /// Key-value heads in its cache, in every mode.
    public var ownKeyValueHeads: Range<Int> { heads.keysValues[headGroup] }
    /// The experts that it has, of so many, in every mode.
    public func ownExperts(of count: Int) -> Range<Int> {
        let group = self[.tensor].expertGroup
        return Partition(count: count, unit: 1, parts: topology.expertParts)
            .range(of: group.index, among: group.size)
    }
    /// Whether it has the embedding.
    public var isFirstStage: Bool { pipelineGroup.index == 0 }
    /// Whether it has the head.
    public var isLastStage: Bool { pipelineGroup.index == pipelineGroup.size - 1 }
    /// Whether logits end up with it.
    public var isOutput: Bool { isLastStage && headGroup.index == 0 }
}
