import TernPlanning
import TernTesting
import Testing

/// The reference moves shared key-value heads in two collectives and a reordering; Tern in the one
/// exchange. Both are done here on symbols.
///
/// Source: SP_AA and SP_AG of Arctic Inference.
@Suite("Heads: the one exchange equals the reference's two steps")
struct HeadReplicationTests {
    /// One head of one token.
    private struct Symbol: Equatable {
        let token: Int
        let head: Int
    }

    /// Key-value heads among the sequence ranks of one tensor rank.
    private struct Exchange {
        let topology: Topology
        let heads: Int
        let layout: HeadLayout
        let tokens: TokenPartition

        func place(_ rank: RankID) -> Int { topology.coordinate(.sequence, of: rank) }

        /// What one rank sends of a head: its own tokens of it.
        func chunk(of rank: RankID, head: Int) -> [Symbol] {
            tokens[place(rank)].map { Symbol(token: $0, head: head) }
        }

        /// The fused exchange: from every peer the heads of the rank's own block.
        func once(_ rank: RankID) -> [Symbol] {
            let block = topology.group(.shift, of: rank).index
            return topology.group(.sequence, of: rank).members.flatMap { peer in
                layout.keysValues.ranges[block].flatMap { chunk(of: peer, head: $0) }
            }
        }

        /// The first step: among the ranks of one g, member a gets the a-th head of the shard.
        func allToAll(_ rank: RankID) -> [[Symbol]] {
            let group = topology.group(.sequenceAllToAll(keyValueHeads: heads), of: rank)
            let shard = layout.keysValues[topology.group(.tensor, of: rank)]
            return group.members.map { chunk(of: $0, head: shard.lowerBound + group.index) }
        }

        /// The second step and the reordering of its chunks.
        func twice(_ rank: RankID) -> [Symbol] {
            let group = topology.group(.sequenceAllGather(keyValueHeads: heads), of: rank)
            let gathered = group.members.flatMap(allToAll)
            return HeadReplicationTests.order(rank, topology, heads).flatMap { gathered[$0] }
        }
    }

    /// At which place of the gathered chunks each sequence rank's own one is.
    private static func order(_ rank: RankID, _ topology: Topology, _ heads: Int) -> [Int] {
        let gathered = topology.group(.sequenceAllGather(keyValueHeads: heads), of: rank).members
            .flatMap { topology.group(.sequenceAllToAll(keyValueHeads: heads), of: $0).members }
        return topology.group(.sequence, of: rank).members.compactMap(gathered.firstIndex(of:))
    }

    @Test("SP 8, TP 1, 4 key-value heads as worked by hand")
    func sequence8() {
        let topology = Topology(sequence: 8)
        #expect(
            topology.groups(.sequenceAllToAll(keyValueHeads: 4)) == [[0, 2, 4, 6], [1, 3, 5, 7]])
        #expect(
            topology.groups(.sequenceAllGather(keyValueHeads: 4))
                == [[0, 1], [2, 3], [4, 5], [6, 7]])
        for rank in topology.ranks {
            #expect(Self.order(rank, topology, 4) == [0, 4, 1, 5, 2, 6, 3, 7])
        }
    }

    @Test("SP 4, TP 2, 4 key-value heads as worked by hand")
    func sequence4() {
        let topology = Topology(sequence: 4, tensor: 2)
        let byFirst: ([RankID], [RankID]) -> Bool = { $0[0] < $1[0] }
        #expect(
            topology.groups(.sequenceAllToAll(keyValueHeads: 4)).sorted(by: byFirst)
                == [[0, 4], [1, 5], [2, 6], [3, 7]])
        #expect(
            topology.groups(.sequenceAllGather(keyValueHeads: 4)).sorted(by: byFirst)
                == [[0, 2], [1, 3], [4, 6], [5, 7]])
        for rank in topology.ranks {
            #expect(Self.order(rank, topology, 4) == [0, 2, 1, 3])
        }
    }

    /// Whether the two steps exist: heads divide evenly over tensor ranks or these over heads, and
    /// then sequence ranks over the heads of one. The one exchange asks for none of this.
    private func hasTwoSteps(_ topology: Topology, _ heads: Int) -> Bool {
        let (sp, tp) = (topology.sequenceParallelSize, topology.tensorParallelSize)
        let perTensorRank = max(1, heads / tp)
        return (heads.isMultiple(of: tp) || tp.isMultiple(of: heads))
            && perTensorRank < sp && sp.isMultiple(of: perTensorRank)
    }

    @Test("Both give the same heads of the same tokens in the same order")
    func equality() {
        var cases = 0
        withEveryTopology(worldSizes: Array(1...16)) { topology in
            let sp = topology.sequenceParallelSize
            for heads in 1...16 where hasTwoSteps(topology, heads) {
                for group in [1, 2, 3, 4, 7, 8] {
                    let layout = try? HeadLayout(
                        queryHeads: heads * group, keyValueHeads: heads,
                        blocks: topology.shiftSize)
                    guard let layout else { continue }
                    for count in [1, sp * 2 + 1] {
                        let tokens = TokenPartition(tokens: count, among: sp)
                        check(
                            Exchange(
                                topology: topology, heads: heads, layout: layout, tokens: tokens))
                        cases += 1
                    }
                }
            }
        }
        print("replication: \(cases) topologies, models and token counts")
        #expect(cases > 500)
    }

    private func check(_ exchange: Exchange) {
        for rank in exchange.topology.ranks {
            let once = exchange.once(rank)
            if once != exchange.twice(rank) {
                Issue.record("rank \(rank) of \(exchange.topology), \(exchange.heads) heads")
            }
            if once.map(\.token) != Array(0..<exchange.tokens.count) {
                Issue.record("rank \(rank) of \(exchange.topology): rows out of order")
            }
        }
    }
}
