import TernPlanning
import Testing

@Suite("Partition and SummationTree")
struct PartitionTests {
    @Test("Hand-worked boundaries: even, uneven, empty parts, a clamped end")
    func examples() {
        #expect(
            Partition(count: 128, unit: 16).boundaries == [0, 16, 32, 48, 64, 80, 96, 112, 128])
        #expect(Partition(count: 100, unit: 16).boundaries == [0, 0, 16, 32, 48, 64, 80, 96, 100])
        #expect(Partition(count: 20, unit: 16).boundaries == [0, 0, 0, 0, 16, 16, 16, 16, 20])
        #expect(Partition(count: 0, unit: 2).boundaries == Array(repeating: 0, count: 9))
        #expect(Partition(count: 32, unit: 4, parts: 3).boundaries == [0, 8, 20, 32])
        #expect(Partition(count: 32_003, unit: 16)[7] == 28_000..<32_003)
    }

    @Test("Shards of every size cover the dimension, are unions of parts and begin at units")
    func shards() {
        for count in Array(0...70) + [100, 127, 128, 129, 32_003] {
            for unit in [1, 2, 4, 16, 64] {
                for (parts, sizes) in [(8, [1, 2, 4, 8]), (3, [1, 3]), (6, [1, 2, 3, 6])] {
                    let partition = Partition(count: count, unit: unit, parts: parts)
                    for size in sizes {
                        check(partition, parts: parts, size: size, unit: unit)
                    }
                }
            }
        }
    }

    private func check(_ partition: Partition, parts: Int, size: Int, unit: Int) {
        let ranges = (0..<size).map { partition.range(of: $0, among: size) }
        #expect(ranges.first?.lowerBound == 0 && ranges.last?.upperBound == partition.count)
        #expect(zip(ranges, ranges.dropFirst()).allSatisfy { $0.upperBound == $1.lowerBound })
        #expect(ranges.allSatisfy { $0.lowerBound.isMultiple(of: unit) })
        for (index, range) in ranges.enumerated() {
            let union = partition.parts(of: index, among: size).map { partition[$0] }
            #expect(union.first?.lowerBound == range.lowerBound)
            #expect(union.last?.upperBound == range.upperBound)
            #expect(union.reduce(0) { $0 + $1.count } == range.count)
        }
        // Widths differ by one unit at most.
        let units = ranges.map { ($0.count + unit - 1) / unit }
        #expect((units.max() ?? 0) - (units.min() ?? 0) <= 1)
    }

    private func parenthesize(_ left: String, _ right: String) -> String { "(\(left) + \(right))" }

    @Test("The tree is the one the architecture names")
    func tree() {
        let leaves = (0..<8).map { "\($0)" }
        #expect(
            SummationTree().sum(leaves, by: parenthesize)
                == "(((0 + 1) + (2 + 3)) + ((4 + 5) + (6 + 7)))")
        #expect(
            SummationTree(parts: 6).sum(Array(leaves[..<6]), by: parenthesize)
                == "(((0 + 1) + (2 + 3)) + (4 + 5))")
        #expect(SummationTree(parts: 3).sum(["0", "1", "2"], by: parenthesize) == "((0 + 1) + 2)")
        #expect(SummationTree(parts: 1).additions.isEmpty)
    }

    @Test(
        "Ranks that add their own parts and then each other's sums build the same tree",
        arguments: [(8, [1, 2, 4, 8]), (6, [1, 3, 6]), (3, [1, 3])])
    func subtrees(parts: Int, sizes: [Int]) {
        let tree = SummationTree(parts: parts)
        let leaves = (0..<parts).map { "\($0)" }
        for size in sizes {
            var sums = leaves
            for rank in 0..<size {
                for addition in tree.additions(of: rank, among: size) {
                    sums[addition.target] = parenthesize(
                        sums[addition.target], sums[addition.source])
                }
            }
            let firsts = stride(from: 0, to: parts, by: parts / size).map { sums[$0] }
            #expect(
                SummationTree(parts: size).sum(firsts, by: parenthesize)
                    == tree.sum(leaves, by: parenthesize))
        }
    }
}
