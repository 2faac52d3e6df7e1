import TernPlanning
import Testing

@Suite("BlockPool")
struct BlockPoolTests {
    @Test("Gives out free blocks in order, then nothing")
    func exhaustion() throws {
        var pool = BlockPool(capacity: 3)
        #expect((0..<4).map { _ in pool.allocate() } == [0, 1, 2, nil])
        #expect(pool.usedCount == 3 && pool.availableCount == 0)
        try pool.checkIntegrity()
    }

    @Test("Prefers free blocks to cached ones, and evicts the least recently released")
    func eviction() throws {
        var pool = BlockPool(capacity: 4)
        for _ in 0..<4 { _ = pool.allocate() }
        for block: BlockID in [2, 0, 3] { pool.release(block, keepingContent: true) }
        pool.release(1, keepingContent: false)
        #expect(pool.cachedBlocks == [2, 0, 3])
        #expect(pool.freeCount == 1 && pool.cachedCount == 3)
        #expect((0..<5).map { _ in pool.allocate() } == [1, 2, 0, 3, nil])
        try pool.checkIntegrity()
    }

    @Test("A revived block leaves the order of eviction and re-enters at its end")
    func revival() throws {
        var pool = BlockPool(capacity: 3)
        for _ in 0..<3 { _ = pool.allocate() }
        for block: BlockID in [0, 1, 2] { pool.release(block, keepingContent: true) }
        pool.retain(1)
        pool.retain(1)
        #expect(pool.cachedBlocks == [0, 2] && pool.referenceCounts == [0, 2, 0])
        pool.release(1, keepingContent: true)
        #expect(pool.isUsed(1))
        pool.release(1, keepingContent: true)
        #expect(pool.cachedBlocks == [0, 2, 1])
        try pool.checkIntegrity()
    }

    /// What can be done to a pool of two or three blocks.
    private enum Operation {
        case allocate
        case retain(BlockID)
        case release(BlockID, keepingContent: Bool)
    }

    /// A pool written as plainly as possible.
    private struct NaivePool: Equatable {
        var references: [Int]
        var free: [Int]
        var cached: [Int] = []

        init(capacity: Int) {
            references = Array(repeating: 0, count: capacity)
            free = (0..<capacity).reversed()
        }

        mutating func apply(_ operation: Operation) -> Int? {
            switch operation {
            case .allocate:
                guard !free.isEmpty || !cached.isEmpty else { return nil }
                let block = free.isEmpty ? cached.removeFirst() : free.removeLast()
                references[block] = 1
                return block
            case .retain(let block):
                cached.removeAll { $0 == Int(block.rawValue) }
                references[Int(block.rawValue)] += 1
            case .release(let block, let keeps):
                references[Int(block.rawValue)] -= 1
                guard references[Int(block.rawValue)] == 0 else { return nil }
                if keeps {
                    cached.append(Int(block.rawValue))
                } else {
                    free.append(Int(block.rawValue))
                }
            }
            return nil
        }

        /// The operations that are no bug in this state.
        var legal: [Operation] {
            var operations = [Operation.allocate]
            for block in references.indices {
                let id = BlockID(block)
                if references[block] > 0 {
                    operations.append(.release(id, keepingContent: true))
                    operations.append(.release(id, keepingContent: false))
                }
                if !free.contains(block) && references[block] < 2 { operations.append(.retain(id)) }
            }
            return operations
        }
    }

    @Test("Agrees with a naive pool after every legal sequence of operations", arguments: 1...3)
    func exhaustive(capacity: Int) throws {
        var states = [(BlockPool(capacity: capacity), NaivePool(capacity: capacity))]
        for _ in 0..<(capacity == 3 ? 5 : 6) {
            var following: [(BlockPool, NaivePool)] = []
            for (pool, naive) in states {
                for operation in naive.legal {
                    var (pool, naive) = (pool, naive)
                    var given: BlockID?
                    switch operation {
                    case .allocate: given = pool.allocate()
                    case .retain(let block): pool.retain(block)
                    case .release(let block, let keeps):
                        pool.release(block, keepingContent: keeps)
                    }
                    let expected = naive.apply(operation)
                    try pool.checkIntegrity()
                    try #require(given.map { Int($0.rawValue) } == expected)
                    try #require(pool.referenceCounts.map(Int.init) == naive.references)
                    try #require(pool.cachedBlocks.map { Int($0.rawValue) } == naive.cached)
                    if !following.contains(where: { $0.1 == naive }) {
                        following.append((pool, naive))
                    }
                }
            }
            states = following
        }
        #expect(states.count > capacity)
    }
}
