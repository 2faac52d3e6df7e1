import TernPlanning
import Testing

@Suite("TokenPartition, StagePartition, ShiftPolicy, HeadLayout, ShardRanges")
struct ParallelCutTests {
    @Test("Token slices follow each other, and their sizes differ by at most one")
    func tokens() {
        for ranks in 1...16 {
            for tokens in 0...50 {
                let partition = TokenPartition(tokens: tokens, among: ranks)
                let sizes = (0..<ranks).map { partition[$0].count }
                #expect(partition.slices == ranks && partition.count == tokens)
                #expect((0..<ranks).flatMap { Array(partition[$0]) } == Array(0..<tokens))
                #expect((sizes.max() ?? 0) - (sizes.min() ?? 0) <= 1)
                #expect(sizes == sizes.sorted(by: >))
            }
        }
    }

    @Test("With fewer tokens than ranks the last ranks have none")
    func fewTokens() {
        let partition = TokenPartition(tokens: 3, among: 5)
        #expect((0..<5).map { partition[$0].count } == [1, 1, 1, 0, 0])
        #expect(partition[4] == 3..<3)
    }

    @Test("Slices of given sizes are put one after the other")
    func counts() {
        let partition = TokenPartition(counts: [2, 0, 3])
        #expect(partition.boundaries == [0, 2, 2, 5] && partition[2] == 2..<5)
    }

    @Test(
        "A remainder of layers goes to the stages before the last, from the back",
        arguments: [
            (5, 3, [2, 2, 1]), (10, 4, [2, 3, 3, 2]), (7, 4, [2, 2, 2, 1]), (8, 4, [2, 2, 2, 2]),
            (3, 3, [1, 1, 1]), (9, 1, [9]), (33, 2, [17, 16]),
        ])
    func stages(layers: Int, stages: Int, expected: [Int]) {
        let partition = StagePartition(layers: layers, stages: stages)
        #expect((0..<stages).map { partition[$0].count } == expected)
        #expect((0..<stages).flatMap { Array(partition[$0]) } == Array(0..<layers))
    }

    @Test("Tensor mode up to the threshold, sequence mode beyond, and pinned modes always")
    func shift() {
        let policy = ShiftPolicy(.threshold(8))
        #expect([0, 8, 9].map(policy.mode) == [.tensor, .tensor, .sequence])
        for mode in ParallelMode.allCases {
            #expect([0, 1, 1 << 20].map(ShiftPolicy(.pinned(mode)).mode) == [mode, mode, mode])
        }
    }

    @Test("14 query heads on 2 key-value heads are cut unevenly, at no head's expense")
    func unevenHeads() throws {
        for blocks in [1, 2, 4] {
            let layout = try HeadLayout(queryHeads: 14, keyValueHeads: 2, blocks: blocks)
            #expect(layout.queries.ranges.count == blocks)
        }
        let layout = try HeadLayout(queryHeads: 14, keyValueHeads: 2, blocks: 4)
        #expect(layout.queries.ranges == [0..<3, 3..<7, 7..<10, 10..<14])
        #expect(layout.keysValues.ranges == [0..<1, 0..<1, 1..<2, 1..<2])
    }

    @Test("6 query heads on 2 key-value heads make 4 blocks, for each reads one head")
    func sharedHeads() throws {
        let layout = try HeadLayout(queryHeads: 6, keyValueHeads: 2, blocks: 4)
        #expect(layout.queries.ranges == [0..<1, 1..<3, 3..<4, 4..<6])
        #expect(layout.keysValues.ranges == [0..<1, 0..<1, 1..<2, 1..<2])
    }

    @Test("Blocks without a query, or with parts of several key-value heads, are refused")
    func refusals() {
        #expect(
            refusal(6, 2, 8) == "head block 0 of 8 would have no query head")
        #expect(
            refusal(6, 3, 4)
                == "head block 1 of 4 would have query heads 1..<3, which read parts of several "
                + "key-value heads (2 queries read each)")
        #expect(refusal(8, 8, 8) == nil)
    }

    private func refusal(_ queries: Int, _ keysValues: Int, _ blocks: Int) -> String? {
        do throws(HeadLayoutError) {
            _ = try HeadLayout(queryHeads: queries, keyValueHeads: keysValues, blocks: blocks)
            return nil
        } catch {
            return error.description
        }
    }

    @Test("A group's member covers its parts, for every size that divides their number")
    func shards() {
        let ranges = ShardRanges(Partition(count: 100, unit: 16))
        #expect(ranges.ranges.count == 8)
        for size in [1, 2, 4, 8] {
            let members = (0..<size).map { RankID($0) }
            let partition = Partition(count: 100, unit: 16)
            for index in 0..<size {
                #expect(
                    ranges[RankGroup(members, index: index)]
                        == partition.range(of: index, among: size))
            }
        }
        let shared = ShardRanges([0..<1, 0..<1, 1..<2, 1..<2])
        #expect(shared[RankGroup([0, 1], index: 1)] == 1..<2)
        #expect(shared[RankGroup([0], index: 0)] == 0..<2)
    }
}
