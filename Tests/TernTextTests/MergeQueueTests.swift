// The order of merges: by rank, then from the left.

import Testing

@testable import TernText

@Suite("MergeQueue")
struct MergeQueueTests {
    @Test("What was added comes out in order")
    func order() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var chance = SeededGenerator(seed: seed)
        for _ in 0..<100 {
            var queue = MergeQueue()
            var waiting: [[UInt32]] = []
            for _ in 0..<Int.random(in: 0...60, using: &chance) {
                if Int.random(in: 0..<3, using: &chance) == 0 {
                    waiting.sort { $0.lexicographicallyPrecedes($1) }
                    let expected = waiting.isEmpty ? nil : waiting.removeFirst()
                    let taken = queue.removeFirst().map { [$0.rank, UInt32($0.position)] }
                    #expect(taken == expected, "seed \(seed)")
                } else {
                    let rank = UInt32.random(in: 0..<9, using: &chance)
                    let position = Int.random(in: 0..<9, using: &chance)
                    queue.insert(rank: rank, position: position)
                    waiting.append([rank, UInt32(position)])
                }
            }
        }
    }
}
