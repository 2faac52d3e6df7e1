import CAllocationCounter
import TernParallel
import TernPlanning
import TernTensor
import Testing

@Suite("Allocations of collectives", .timeLimit(.minutes(1)))
struct CommunicatorAllocationTests {
    @Test("After a first round, no collective and no message allocates")
    func steadyState() throws {
        for oneShotBytes in [0, 1 << 20] {
            let found = try onEveryRank(of: 4, oneShotBytes: oneShotBytes) { communicator in
                let group = group([0, 2, 1, 3], of: communicator.rank)
                let round = try Round(group, communicator.rank)
                try round.run(communicator)
                let before = allocation_count()
                for _ in 0..<100 { try round.run(communicator) }
                return allocation_count() - before
            }
            #expect(found == [0, 0, 0, 0])
        }
    }
}

/// Operands of one of each collective.
private struct Round {
    let group: RankGroup
    let rows: TokenPartition
    let exchange: Exchange
    let input, output, part: Tensor

    init(_ group: RankGroup, _ rank: RankID) throws {
        self.group = group
        rows = TokenPartition(tokens: 2 * group.size, among: group.size)
        let tiles = (0..<group.size).map { Tile(rows: 2 * $0..<2 * $0 + 2, columns: 0..<64) }
        exchange = Exchange(sends: tiles, receives: tiles)
        input = try operand(rank, 2 * group.size, 64)
        output = try target(2 * group.size, 64)
        part = try target(2, 64)
    }

    func run(_ communicator: any Communicator) throws {
        try communicator.allReduce(input, into: output, over: group)
        try communicator.allToAll(input, into: output, exchange, over: group)
        try communicator.reduceScatter(input, into: part, rows: rows, over: group)
        try communicator.allGather(part, into: output, rows: rows, over: group)
        try communicator.broadcast(output, from: 0, over: group)
        let peer = group.index ^ 1
        try communicator.send(part, to: peer, over: group)
        try communicator.receive(into: part, from: peer, over: group)
        try communicator.barrier(over: group)
    }
}
