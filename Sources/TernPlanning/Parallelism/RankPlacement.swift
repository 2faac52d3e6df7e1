// Which processors each rank runs on, where processors belong to memory nodes: reading a weight from
// another node's memory is slow, so a rank stays within one, and ranks that share most are neighbours.
// The nodes are given; how a machine is read, and how threads are pinned, is the devices' business.

/// Processors for every rank of a topology, in numbers of whoever gave them.
///
/// Ranks are placed in the order of replica, stage, and index in the shift group: the ranks of one
/// tensor shard, which read the same weights in sequence mode, are neighbours.
public struct RankPlacement: Sendable, Equatable {
    /// Whether there are more ranks than processors: then ranks share them, each having one.
    public let isShared: Bool
    /// By number of the rank.
    private let processors: [[Int]]

    /// Places ranks on the processors of each node; none is in two. A node may have none.
    ///
    /// Every rank stays within one node, or has whole ones where there are fewer ranks than nodes.
    /// Only where this would leave some rank much less than an even share of the processors, they
    /// are divided evenly, node after node.
    public init(_ topology: Topology, nodes: [[Int]]) {
        let nodes = nodes.filter { !$0.isEmpty }
        let all = nodes.flatMap { $0 }
        let ranks = topology.worldSize
        precondition(!all.isEmpty, "0 processors for \(ranks) ranks")
        precondition(Set(all).count == all.count, "a processor in two nodes: \(nodes)")
        isShared = ranks > all.count
        let places =
            isShared
            ? (0..<ranks).map { [all[$0 % all.count]] }
            : Self.divide(nodes, among: ranks)
        var processors = Array(repeating: [Int](), count: ranks)
        for (rank, place) in zip(Self.order(topology), places) {
            processors[Int(rank.rawValue)] = place
        }
        self.processors = processors
    }

    /// The processors of a rank; at least one.
    public subscript(rank: RankID) -> [Int] { processors[Int(rank.rawValue)] }

    /// Ranks by replica, stage, and index in the shift group.
    static func order(_ topology: Topology) -> [RankID] { topology.groups(.shift).flatMap { $0 } }

    /// Five sixths of an even share, within nodes, is worth more than the whole across them.
    private static func divide(_ nodes: [[Int]], among ranks: Int) -> [[Int]] {
        let all = nodes.flatMap { $0 }
        let even = cut(all, among: ranks)
        let aligned =
            ranks < nodes.count
            ? wholeNodes(nodes, among: ranks) : withinNodes(nodes, among: ranks)
        let least = aligned.map(\.count).min() ?? 0
        return least * 6 >= all.count / ranks * 5 ? aligned : even
    }

    private static func cut(_ processors: [Int], among ranks: Int) -> [[Int]] {
        let slices = TokenPartition(tokens: processors.count, among: ranks)
        return (0..<ranks).map { Array(processors[slices[$0]]) }
    }

    /// Runs of whole nodes that end where an even division would, or nearest to it.
    private static func wholeNodes(_ nodes: [[Int]], among ranks: Int) -> [[Int]] {
        let ends = TokenPartition(counts: nodes.map(\.count)).boundaries
        let all = ends[ends.count - 1]
        let cuts = (0...ranks).map { rank in
            ends.indices.min {
                abs(ends[$0] * ranks - rank * all) < abs(ends[$1] * ranks - rank * all)
            } ?? 0
        }
        return zip(cuts, cuts.dropFirst()).map { nodes[$0..<$1].flatMap { $0 } }
    }

    /// So many ranks on each node that the smallest share is as large as it can be.
    private static func withinNodes(_ nodes: [[Int]], among ranks: Int) -> [[Int]] {
        var share = nodes.reduce(0) { $0 + $1.count } / ranks
        while nodes.reduce(0, { $0 + $1.count / share }) < ranks { share -= 1 }
        var counts = nodes.map { $0.count / share }
        while counts.reduce(0, +) > ranks {
            // The node whose ranks have the least gives one up.
            let fullest = nodes.indices.max {
                counts[$0] * nodes[$1].count < counts[$1] * nodes[$0].count
            }
            if let fullest { counts[fullest] -= 1 }
        }
        return zip(nodes, counts).flatMap { $1 == 0 ? [] : cut($0, among: $1) }
    }
}
