import TernPlanning
import TernTesting
import Testing

@Suite("Placement of ranks on processors")
struct RankPlacementTests {
    private func places(_ topology: Topology, _ nodes: [[Int]]) -> [[Int]] {
        let placement = RankPlacement(topology, nodes: nodes)
        return topology.ranks.map { placement[$0] }
    }

    @Test("One node is divided evenly among neighbours")
    func oneNode() {
        #expect(places(Topology(), [[0, 1, 2]]) == [[0, 1, 2]])
        #expect(places(Topology(sequence: 2), [[0, 1, 2, 3]]) == [[0, 1], [2, 3]])
        #expect(places(Topology(sequence: 2), [[0, 2, 1]]) == [[0, 2], [1]])
    }

    @Test("Neighbours in the shift group are neighbours on a node")
    func shiftOrder() {
        // The shift group is 0, 2, 1, 3.
        #expect(
            places(Topology(sequence: 2, tensor: 2), [[0, 2], [1, 3]]) == [[0], [1], [2], [3]])
    }

    @Test("Stages and replicas follow each other")
    func stages() {
        let found = places(Topology(data: 2, pipeline: 2), [[0, 1], [2, 3]])
        #expect(found == [[0], [1], [2], [3]])
    }

    @Test("Fewer ranks than nodes have whole nodes, and no rank straddles an uneven node")
    func unevenNodes() {
        let four = [[0, 1], [2, 3], [4, 5], [6, 7]]
        #expect(places(Topology(tensor: 2), four) == [[0, 1, 2, 3], [4, 5, 6, 7]])
        let uneven = [[0, 1, 2, 3, 4, 5], [6, 7]]
        #expect(places(Topology(tensor: 4), uneven) == [[0, 1], [2, 3], [4, 5], [6, 7]])
        #expect(places(Topology(tensor: 2), [[0, 1, 2, 3], [], [4]]) == [[0, 1], [2, 3]])
    }

    @Test("Processors are divided across nodes where some rank would have much too few")
    func straddling() {
        let found = places(Topology(tensor: 2), [[0, 1, 2, 3, 4, 5], [6, 7]])
        #expect(found == [[0, 1, 2, 3], [4, 5, 6, 7]])
        let three = places(Topology(tensor: 3), [Array(0..<6), Array(6..<12)])
        #expect(three == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]])
    }

    @Test("More ranks than processors share them")
    func shared() {
        let placement = RankPlacement(Topology(sequence: 5), nodes: [[3], [7]])
        #expect(placement.isShared)
        #expect((0..<5).map { placement[RankID($0)] } == [[3], [7], [3], [7], [3]])
        #expect(!RankPlacement(Topology(sequence: 2), nodes: [[3], [7]]).isShared)
    }

    @Test("Equal nodes whose number divides the ranks', or is divided by it, are never straddled")
    func equalNodes() {
        withEveryTopology(worldSizes: [1, 2, 3, 4, 6, 8, 12, 16]) { topology in
            let ranks = topology.worldSize
            for count in 1...8 where ranks.isMultiple(of: count) || count.isMultiple(of: ranks) {
                for size in [1, 2, 3, 8] where count * size >= ranks {
                    // Where ranks do not divide a node's processors, shares differ by one.
                    let nodes = (0..<count).map { Array($0 * size..<($0 + 1) * size) }
                    let isWhole = nodes.count >= ranks
                    for place in places(topology, nodes) {
                        let near = nodes.filter { !Set($0).isDisjoint(with: place) }
                        #expect(
                            isWhole ? near.flatMap { $0 } == place : near.count == 1,
                            "\(topology) on \(count) nodes of \(size)")
                    }
                }
            }
        }
    }

    @Test("Ranks on any nodes have processors of their own, contiguous in the shift group's order")
    func anyNodes() {
        for seed in SeededRandom.seeds(10) {
            print("placement: seed \(seed)")
            var random = SeededRandom(seed: seed)
            withEveryTopology(worldSizes: [1, 2, 3, 4, 6, 8]) { topology in
                let numbers = (0..<40).shuffled(using: &random)
                var next = 0
                let nodes = (0..<Int.random(in: 1...5, using: &random)).map { _ in
                    let start = next
                    next += Int.random(in: 0...8, using: &random)
                    return Array(numbers[start..<next])
                }
                let all = nodes.flatMap { $0 }
                guard all.count >= topology.worldSize else { return }
                check(topology, nodes, "seed \(seed), \(topology), \(nodes)")
            }
        }
    }

    private func check(_ topology: Topology, _ nodes: [[Int]], _ comment: Comment) {
        let placement = RankPlacement(topology, nodes: nodes)
        let all = nodes.flatMap { $0 }
        let places = topology.groups(.shift).flatMap { $0 }.map { placement[$0] }
        let used = places.flatMap { $0 }
        #expect(places.allSatisfy { !$0.isEmpty }, comment)
        #expect(used == all.filter(Set(used).contains), comment)
        let even = all.count / topology.worldSize
        let least = places.map(\.count).min() ?? 0
        #expect(least * 6 >= even * 5, comment)
        let occupied = nodes.filter { !$0.isEmpty }
        let straddles = places.contains { place in
            occupied.filter { !Set($0).isDisjoint(with: place) }.count > 1
        }
        // Where every rank fits within a node at an even share, none straddles.
        let fits = occupied.reduce(0) { $0 + $1.count / even } >= topology.worldSize
        if fits && occupied.count <= topology.worldSize { #expect(!straddles, comment) }
    }
}
