import TernPlanning
import TernTesting
import Testing

@Suite("ParallelView")
struct ParallelViewTests {
    @Test("Tensor mode is sequence mode of (sp 1, tp P), up to the ranks' names")
    func tensorMode() {
        for experts in [nil, ExpertGroup.dataSequenceTensor] {
            withEveryTopology(worldSizes: Array(1...16)) { sizes in
                let topology = with(experts, sizes)
                let tensorOnly = Topology(
                    data: topology.dataParallelSize, pipeline: topology.pipelineParallelSize,
                    tensor: topology.shiftSize, expertGroup: experts)
                let names = topology.ranks.map { tensorOnlyName(of: $0, in: topology) }
                for rank in topology.ranks {
                    let view = ParallelView(.tensor, of: rank, in: topology)
                    let other = ParallelView(
                        .sequence, of: names[Int(rank.rawValue)], in: tensorOnly)
                    let isSame = zip(groups(of: view), groups(of: other)).allSatisfy {
                        $0.members.map { names[Int($0.rawValue)] } == $1.members
                            && $0.index == $1.index
                    }
                    #expect(isSame, "rank \(rank) of \(topology)")
                }
            }
        }
    }

    /// The name of rank (d, p, s, t) where all P ranks are tensor ranks: (d, p, 0, t · SP + s).
    private func tensorOnlyName(of rank: RankID, in topology: Topology) -> RankID {
        let stage = Int(rank.rawValue) / topology.shiftSize
        let block =
            topology.coordinate(.tensor, of: rank) * topology.sequenceParallelSize
            + topology.coordinate(.sequence, of: rank)
        return RankID(stage * topology.shiftSize + block)
    }

    private func with(_ experts: ExpertGroup?, _ sizes: Topology) -> Topology {
        Topology(
            data: sizes.dataParallelSize, pipeline: sizes.pipelineParallelSize,
            sequence: sizes.sequenceParallelSize, tensor: sizes.tensorParallelSize,
            expertGroup: experts)
    }

    private func groups(of view: ParallelView) -> [RankGroup] {
        [view.sequenceGroup, view.tensorGroup, view.expertGroup, view.expertTensorGroup]
    }

    @Test("Rank 3 of SP 2, TP 2 in both modes")
    func example() {
        let topology = Topology(sequence: 2, tensor: 2)
        let sequence = ParallelView(.sequence, of: 3, in: topology)
        #expect(sequence.sequenceGroup == RankGroup([1, 3], index: 1))
        #expect(sequence.tensorGroup == RankGroup([2, 3], index: 1))
        let tensor = ParallelView(.tensor, of: 3, in: topology)
        #expect(tensor.sequenceGroup == RankGroup([3], index: 0))
        #expect(tensor.tensorGroup == RankGroup([0, 2, 1, 3], index: 3))
    }

    @Test("A rank holds the same experts in both modes, and under dp-tp slices them over s")
    func experts() {
        for experts in ExpertGroup.allCases {
            withEveryTopology(worldSizes: [1, 2, 4, 8, 12]) { sizes in
                let topology = with(experts, sizes)
                for rank in topology.ranks {
                    let sequence = ParallelView(.sequence, of: rank, in: topology)
                    let tensor = ParallelView(.tensor, of: rank, in: topology)
                    #expect(sequence.expertGroup == tensor.expertGroup)
                    #expect(sequence.expertTensorGroup.isSingle)
                    let sliced = topology.group(.sequence, of: rank)
                    #expect(
                        experts == .dataTensor
                            ? tensor.expertTensorGroup == sliced
                            : tensor.expertTensorGroup.isSingle)
                }
            }
        }
    }
}
