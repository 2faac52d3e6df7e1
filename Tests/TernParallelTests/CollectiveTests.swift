import TernParallel
import TernPlanning
import TernTensor
import Testing

@Suite("Collectives of local ranks", .timeLimit(.minutes(1)))
struct CollectiveTests {
    static let sizes = [1, 2, 3, 4, 8]

    @Test("An all-reduce is the summation tree's sum bit for bit, in one shot and in two")
    func allReduce() throws {
        for (size, isTwoShot, isStrided) in cases() {
            for order in orders(size) {
                for (rows, columns) in [(1, 1), (1, 131), (5, 33), (0, 16)] {
                    let expected = try treeSum(order, rows, columns)
                    let found = try onEveryRank(of: size, oneShotBytes: isTwoShot ? 0 : 1 << 20) {
                        communicator in
                        let input = try operand(
                            communicator.rank, rows, columns, isStrided: isStrided)
                        let output = try target(rows, columns, isStrided: isStrided)
                        let group = group(order, of: communicator.rank)
                        try communicator.allReduce(input, into: output, over: group)
                        return (try bits(output), communicator.counts, group.index)
                    }
                    for (sum, counts, index) in found {
                        #expect(sum == expected, "\(order) \(rows) x \(columns)")
                        let isFlat = rows == 1 || !isStrided
                        let cut = TokenPartition(
                            tokens: isFlat ? rows * columns : rows, among: size)
                        let own = cut[index].count * (isFlat ? 1 : columns)
                        let all = rows * columns
                        let isOneShot = !isTwoShot || all == 0
                        let elements = isOneShot ? (size - 1) * all : (size - 2) * own + all
                        #expect(
                            counts.bytes(.allReduce) == 4 * elements, "\(order), place \(index)")
                        #expect(counts.calls(.allReduce) == 1)
                    }
                }
            }
        }
    }

    @Test("A reduce-scatter gives each place its rows of the sum, a broadcast the root's tensor")
    func reduceScatterAndBroadcast() throws {
        for size in Self.sizes {
            for order in orders(size) {
                let rows = TokenPartition(counts: (0..<size).map { [3, 0, 1, 2][$0 % 4] })
                let root = size - 1
                let expected = try treeSum(order, rows.count, 17)
                let original = try bits(operand(order[root], 2, 9))
                let found = try onEveryRank(of: size) { communicator in
                    let group = group(order, of: communicator.rank)
                    let output = try target(rows[group.index].count, 17, isStrided: true)
                    try communicator.reduceScatter(
                        try operand(communicator.rank, rows.count, 17), into: output, rows: rows,
                        over: group)
                    let tensor = try operand(communicator.rank, 2, 9, isStrided: true)
                    try communicator.broadcast(tensor, from: root, over: group)
                    return (try bits(output), try bits(tensor), communicator.counts, group.index)
                }
                for (sum, copy, counts, index) in found {
                    #expect(sum == Array(expected[rows[index]]), "\(order), place \(index)")
                    #expect(copy == original)
                    let elements = (size - 1) * rows[index].count * 17
                    #expect(counts.bytes(.reduceScatter) == 4 * elements)
                    #expect(counts.bytes(.broadcast) == (index == root ? 0 : 4 * 18))
                }
            }
        }
    }

    @Test("An all-gather keeps the group's order, never that of rank numbers")
    func allGather() throws {
        for size in Self.sizes {
            for order in orders(size) {
                let counts = (0..<size).map { [2, 0, 3, 1][$0 % 4] }
                let rows = TokenPartition(counts: counts)
                let expected = try zip(order, counts).flatMap { try bits(operand($0, $1, 11)) }
                let found = try onEveryRank(of: size) { communicator in
                    let group = group(order, of: communicator.rank)
                    let count = counts[group.index]
                    let output = try target(rows.count, 11, isStrided: true)
                    try communicator.allGather(
                        try operand(communicator.rank, count, 11, isStrided: true), into: output,
                        rows: rows, over: group)
                    return (try bits(output), communicator.counts.bytes(.allGather), count)
                }
                for (output, bytes, count) in found {
                    #expect(output == expected, "\(order)")
                    #expect(bytes == 4 * (rows.count - count) * 11)
                }
            }
        }
    }

    @Test("An all-to-all moves uneven tiles, empty ones and a rank's own")
    func allToAll() throws {
        for size in Self.sizes {
            for order in orders(size) {
                // Place i holds rows of its own and gives place j the columns of j; each place
                // gathers all rows of its columns, twice: in two halves of the columns.
                let rows = TokenPartition(counts: (0..<size).map { [2, 0, 3, 1][$0 % 4] })
                let columns = TokenPartition(counts: (0..<size).map { [4, 2, 0, 6][$0 % 4] })
                let whole = try order.enumerated().flatMap { place, rank in
                    try bits(operand(rank, rows[place].count, columns.count))
                }
                let found = try onEveryRank(of: size) { communicator in
                    let group = group(order, of: communicator.rank)
                    let (own, width) = (rows[group.index].count, columns[group.index].count)
                    let output = try target(rows.count, width, isStrided: true)
                    try communicator.allToAll(
                        try operand(communicator.rank, own, columns.count, isStrided: true),
                        into: output, halves(rows, columns, group.index), over: group)
                    return (try bits(output), communicator.counts.totalBytes, group.index)
                }
                for (output, bytes, index) in found {
                    #expect(output == whole.map { Array($0[columns[index]]) }, "\(order), \(index)")
                    let others = rows.count - rows[index].count
                    #expect(bytes == 4 * others * columns[index].count)
                }
            }
        }
    }

    @Test("Messages come in the order of their sends, whatever their shapes, both ways")
    func messages() throws {
        let order: [RankID] = [1, 0]
        let found = try onEveryRank(of: 2) { communicator in
            let group = group(order, of: communicator.rank)
            let peer = order[1 - group.index]
            var isRight = true
            for (rows, columns) in [(1, 4), (3, 50), (0, 3), (2, 5)] {
                try communicator.send(
                    try operand(communicator.rank, rows, columns, isStrided: true),
                    to: 1 - group.index, over: group)
                let output = try target(rows, columns, isStrided: true)
                try communicator.receive(into: output, from: 1 - group.index, over: group)
                isRight = try isRight && bits(output) == bits(operand(peer, rows, columns))
            }
            return isRight && communicator.counts.bytes(.sendReceive) == 4 * (4 + 150 + 10)
        }
        #expect(found == [true, true])
    }

    @Test("Two groups that share no rank meet at once, and overlapping ones in turn")
    func groups() throws {
        let pairs: [[RankID]] = [[2, 0], [1, 3]]
        let whole: [RankID] = [0, 2, 1, 3]
        let sums = try pairs.map { try treeSum($0, 3, 20) }
        let total = try treeSum(whole, 3, 20)
        let found = try onEveryRank(of: 4) { communicator in
            let rank = communicator.rank
            let pair = rank.rawValue.isMultiple(of: 2) ? 0 : 1
            let input = try operand(rank, 3, 20)
            let output = try target(3, 20)
            var isRight = true
            for round in 0..<100 {
                if round % 3 == 2 {
                    try communicator.allReduce(input, into: output, over: group(whole, of: rank))
                    isRight = try isRight && bits(output) == total
                } else {
                    let group = group(pairs[pair], of: rank)
                    try communicator.allReduce(input, into: output, over: group)
                    isRight = try isRight && bits(output) == sums[pair]
                }
            }
            return isRight
        }
        #expect(found == [true, true, true, true])
    }

    private func cases() -> [(size: Int, isTwoShot: Bool, isStrided: Bool)] {
        Self.sizes.flatMap { size in
            [false, true].flatMap { shot in [false, true].map { (size, shot, $0) } }
        }
    }
}

/// The exchange that turns rows into columns, with the columns of each member in two tiles.
private func halves(_ rows: TokenPartition, _ columns: TokenPartition, _ index: Int) -> Exchange {
    func tiles(_ rows: Range<Int>, _ columns: Range<Int>) -> [Tile] {
        let middle = columns.lowerBound + columns.count / 2
        return [
            Tile(rows: rows, columns: columns.lowerBound..<middle),
            Tile(rows: rows, columns: middle..<columns.upperBound),
        ]
    }
    let own = 0..<rows[index].count
    return Exchange(
        tilesPerMember: 2,
        sends: (0..<rows.slices).flatMap { tiles(own, columns[$0]) },
        receives: (0..<rows.slices).flatMap { tiles(rows[$0], 0..<columns[index].count) })
}
