import TernPlanning
import TernTesting
import Testing

@Suite("Topology: groups")
struct TopologyTests {
    @Test("SP 2, TP 2 as worked by hand")
    func sequence2Tensor2() {
        let topology = Topology(sequence: 2, tensor: 2)
        #expect(topology.groups(.tensor) == [[0, 1], [2, 3]])
        #expect(topology.groups(.sequence) == [[0, 2], [1, 3]])
        #expect(topology.groups(.shift) == [[0, 2, 1, 3]])
    }

    @Test("SP 4, TP 2 as worked by hand")
    func sequence4Tensor2() {
        let topology = Topology(sequence: 4, tensor: 2)
        #expect(topology.groups(.tensor) == [[0, 1], [2, 3], [4, 5], [6, 7]])
        #expect(topology.groups(.sequence) == [[0, 2, 4, 6], [1, 3, 5, 7]])
        #expect(topology.groups(.shift) == [[0, 2, 4, 6, 1, 3, 5, 7]])
    }

    @Test("SP 3, TP 2 is the paper's own example")
    func sequence3Tensor2() {
        #expect(Topology(sequence: 3, tensor: 2).groups(.shift) == [[0, 2, 4, 1, 3, 5]])
    }

    @Test("PP 2, SP 2, TP 2 as worked by hand")
    func pipeline() {
        let topology = Topology(pipeline: 2, sequence: 2, tensor: 2)
        #expect(sorted(topology.groups(.pipeline)) == [[0, 4], [1, 5], [2, 6], [3, 7]])
        #expect(
            sorted(topology.groups(.expert(.dataTensor))) == [[0, 1], [2, 3], [4, 5], [6, 7]])
        #expect(topology.groups(.shift) == [[0, 2, 1, 3], [4, 6, 5, 7]])
    }

    @Test("DP 2, SP 2, TP 2 as worked by hand")
    func data() {
        let topology = Topology(data: 2, sequence: 2, tensor: 2)
        #expect(sorted(topology.groups(.data)) == [[0, 4], [1, 5], [2, 6], [3, 7]])
        #expect(topology.groups(.expert(.dataTensor)) == [[0, 1, 4, 5], [2, 3, 6, 7]])
        #expect(topology.groups(.expert(.dataSequenceTensor)) == [[0, 2, 1, 3, 4, 6, 5, 7]])
        #expect(sorted(topology.groups(.sequence)) == [[0, 2], [1, 3], [4, 6], [5, 7]])
        #expect(topology.groups(.shift) == [[0, 2, 1, 3], [4, 6, 5, 7]])
    }

    /// The worked examples list groups in an order that means nothing; inside a group it does.
    private func sorted(_ groups: [[RankID]]) -> [[RankID]] {
        groups.sorted { $0[0] < $1[0] }
    }

    @Test("Groups of every kind partition the ranks, and everyone knows the own place")
    func partition() {
        withEveryTopology(worldSizes: Array(1...16)) { inner in
            for external in inner.worldSize <= 8 ? [1, 2] : [1] {
                let topology = Topology(
                    externalData: external, data: inner.dataParallelSize,
                    pipeline: inner.pipelineParallelSize, sequence: inner.sequenceParallelSize,
                    tensor: inner.tensorParallelSize)
                for kind in Self.kinds(of: topology) { check(kind, of: topology) }
            }
        }
    }

    /// All kinds; the reference's sub-groups exist where its numbers divide.
    private static func kinds(of topology: Topology) -> [GroupKind] {
        let heads = [1, 2, 4, 8].filter {
            topology.sequenceParallelSize.isMultiple(of: topology.headSharing($0))
        }
        return [
            .tensor, .sequence, .pipeline, .data, .externalData, .shift, .expert(.dataTensor),
            .expert(.dataSequenceTensor),
        ]
            + heads.map { .sequenceAllToAll(keyValueHeads: $0) }
            + heads.map { .sequenceAllGather(keyValueHeads: $0) }
    }

    private func check(_ kind: GroupKind, of topology: Topology) {
        let groups = topology.groups(kind)
        let everyone = groups.flatMap { $0 }.sorted()
        #expect(everyone == topology.ranks, "\(kind) of \(topology)")
        let sizes = Set(groups.map(\.count))
        #expect(sizes.count == 1, "\(kind) of \(topology)")
        let areRight = topology.ranks.allSatisfy { rank in
            let group = topology.group(kind, of: rank)
            return group.rank == rank && groups.contains(group.members)
        }
        #expect(areRight, "\(kind) of \(topology)")
    }

    @Test("A rank's number is made of its coordinates, the tensor axis fastest")
    func coordinates() {
        let topology = Topology(externalData: 2, data: 3, pipeline: 2, sequence: 2, tensor: 2)
        var expected = 0
        for e in 0..<2 {
            for d in 0..<3 {
                for p in 0..<2 {
                    for s in 0..<2 {
                        for t in 0..<2 {
                            let rank = RankID(expected)
                            let found = Topology.Axis.allCases.map {
                                topology.coordinate($0, of: rank)
                            }
                            #expect(found == [e, d, p, s, t])
                            expected += 1
                        }
                    }
                }
            }
        }
        #expect(topology.worldSize == expected)
    }

    @Test("The output rank is the first of the last stage of its replica")
    func outputRanks() {
        let topology = Topology(
            externalData: 2, data: 2, pipeline: 3, sequence: 2, tensor: 2)
        #expect(topology.outputRank(replica: 0) == 8)
        #expect(topology.outputRank(replica: 1) == 20)
        #expect(topology.outputRank(external: 1, replica: 1) == 44)
        #expect(topology.ranks(replica: 1) == (12..<24).map { RankID($0) })
    }
}
