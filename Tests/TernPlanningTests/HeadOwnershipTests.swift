import TernPlanning
import TernTesting
import Testing

/// Why one KV cache serves both modes, tried on every small world.
@Suite("Heads: who owns which, in both modes")
struct HeadOwnershipTests {
    /// What a rank has after the exchange of a step in sequence mode.
    private struct Received: Equatable {
        /// The source of each row, in order.
        var tokens: [Int] = []
        var queries: Range<Int>
        var keysValues: Range<Int>
    }

    /// A model's heads cut into the head blocks of a topology.
    private struct Model {
        let group: Int
        let layout: HeadLayout
    }

    /// The models with up to 32 query heads that can be cut into each number of blocks.
    private static let models: [[Model]] = (0...16).map { blocks in
        guard blocks > 0 else { return [] }
        return (1...32).flatMap { queries in
            (1...queries).filter { queries.isMultiple(of: $0) }.compactMap { keysValues in
                let layout = try? HeadLayout(
                    queryHeads: queries, keyValueHeads: keysValues, blocks: blocks)
                return layout.map { Model(group: queries / keysValues, layout: $0) }
            }
        }
    }

    /// The views of all ranks of a topology in one mode.
    private func views(_ mode: ParallelMode, _ topology: Topology) -> [ParallelView] {
        topology.ranks.map { ParallelView(mode, of: $0, in: topology) }
    }

    /// One all-to-all among sequence ranks, on symbols: each peer has projected the heads of its
    /// tensor shard for its own token, and sends each rank those of the rank's sub-block. Nil when
    /// a peer does not have a head that it should send.
    private func exchange(_ rank: RankID, _ views: [ParallelView], _ model: Model) -> Received? {
        let own = views[Int(rank.rawValue)].sequenceGroup
        var received: Received?
        for peer in own.members {
            let view = views[Int(peer.rawValue)]
            let queries = model.layout.queries[view.tensorGroup]
            let keysValues = model.layout.keysValues[view.tensorGroup]
            let block = view.tensorGroup.index * own.size + own.index
            let sent = Received(
                queries: model.layout.queries.ranges[block],
                keysValues: model.layout.keysValues.ranges[block])
            guard queries.contains(sent.queries), keysValues.contains(sent.keysValues)
            else { return nil }
            if received == nil { received = sent }
            guard received?.queries == sent.queries, received?.keysValues == sent.keysValues
            else { return nil }
            received?.tokens.append(view.sequenceGroup.index)
        }
        return received
    }

    @Test("After the exchange a rank has the heads that it owns in tensor mode, and no others")
    func invariance() {
        var cases = 0
        withEveryTopology(worldSizes: Array(1...16)) { topology in
            let sequence = views(.sequence, topology)
            let tensor = views(.tensor, topology)
            for model in Self.models[topology.shiftSize] {
                for rank in topology.ranks {
                    let owner = tensor[Int(rank.rawValue)].tensorGroup
                    let expected = Received(
                        tokens: Array(0..<topology.sequenceParallelSize),
                        queries: model.layout.queries[owner],
                        keysValues: model.layout.keysValues[owner])
                    let isSame = exchange(rank, sequence, model) == expected
                    let (queries, group) = (expected.queries, model.group)
                    let reads = queries.lowerBound / group...(queries.upperBound - 1) / group
                    let isClosed = Range(reads) == expected.keysValues
                    if !isSame || !isClosed {
                        Issue.record("rank \(rank) of \(topology), \(model.layout)")
                    }
                    cases += 1
                }
            }
        }
        print("ownership: \(cases) ranks of topologies and models")
        #expect(cases > 20_000)
    }

    @Test("World order in the shift group fails, exactly where both SP and TP are more than one")
    func naiveOrder() {
        withEveryTopology(worldSizes: Array(1...16)) { topology in
            let sequence = views(.sequence, topology)
            for model in Self.models[topology.shiftSize].prefix(8) {
                let fails = topology.ranks.contains { rank in
                    let members = topology.group(.shift, of: rank).members.sorted()
                    let naive = members.firstIndex(of: rank).map {
                        model.layout.queries[RankGroup(members, index: $0)]
                    }
                    return exchange(rank, sequence, model)?.queries != naive
                }
                let isExpected =
                    topology.sequenceParallelSize > 1 && topology.tensorParallelSize > 1
                #expect(fails == isExpected, "\(topology), \(model.layout)")
            }
        }
    }

    @Test("Blocks cover the query heads once and the key-value heads at least once")
    func cover() {
        for (blocks, models) in Self.models.enumerated() where blocks > 0 {
            #expect(!models.isEmpty)
            for model in models {
                let queries = model.layout.queries.ranges.flatMap(Array.init)
                #expect(queries == Array(0..<queries.count))
                let keysValues = Set(model.layout.keysValues.ranges.flatMap(Array.init))
                #expect(keysValues == Set(0..<queries.count / model.group))
            }
        }
    }
}
