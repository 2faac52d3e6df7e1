import TernParallel
import TernPlanning
import TernTensor
import Testing

@Suite("Faults of local ranks", .timeLimit(.minutes(1)))
struct FaultTests {
    private static let order: [RankID] = [0, 2, 1, 3]
    private static let faulty: RankID = 2

    /// Runs rounds of all collectives with one rank at fault, and returns what each ended with.
    private func run(
        _ fault: FaultyCommunicator.Fault, at call: Int, deadline: Duration
    ) throws -> [Outcome<[[UInt32]]>] {
        let world = try world(4, deadline: deadline, oneShotBytes: 100)
        return try outcomes(of: 4, in: world) { inner in
            if inner.rank == Self.faulty {
                FaultyCommunicator(inner, at: call, fault)
            } else {
                inner
            }
        } _: { communicator in
            try rounds(communicator, group(Self.order, of: communicator.rank))
        }
    }

    @Test("A rank that comes late changes nothing", arguments: 1...6)
    func delay(call: Int) throws {
        let undisturbed = try run(.delay(.zero), at: 1, deadline: .seconds(30)).map { try $0.get() }
        let found = try run(.delay(.milliseconds(30)), at: call, deadline: .seconds(30))
        #expect(try found.map { try $0.get() } == undisturbed)
    }

    @Test(
        "A rank that dies is named by all others, in whatever collective, by the deadline",
        arguments: 1...6)
    func death(call: Int) throws {
        let deadline = Duration.seconds(1)
        for (number, outcome) in try run(.death, at: call, deadline: deadline).enumerated()
        where RankID(number) != Self.faulty {
            let error = #expect(throws: CommunicationError.self) { try outcome.get() }
            guard case .deadline(Self.faulty, let operation, deadline) = error else {
                Issue.record("rank \(number): \(String(describing: error))")
                continue
            }
            #expect(!operation.isEmpty)
        }
    }

    @Test("A rank that fails is named by all others at once, with its cause", arguments: 1...6)
    func failure(call: Int) throws {
        let fault = FaultyCommunicator.Fault.failure(cause: "out of paper")
        for outcome in try run(fault, at: call, deadline: .seconds(3600)) {
            let error = #expect(throws: CommunicationError.self) { try outcome.get() }
            #expect(error == .peerFailed(rank: Self.faulty, cause: "out of paper"))
        }
    }

    @Test("A rank that waits for the dead one is not taken for it")
    func chain() throws {
        // Rank 0 waits for 1, which waits for 2, which is dead; all clocks start together.
        let world = try world(3, deadline: .seconds(1))
        let found: [Outcome<Bool>] = try outcomes(of: 3, in: world) { communicator in
            let order: [RankID] = communicator.rank == 0 ? [0, 1] : [1, 2]
            if communicator.rank != 2 {
                try communicator.barrier(over: group(order, of: communicator.rank))
            }
            return true
        }
        for outcome in found.prefix(2) {
            let error = #expect(throws: CommunicationError.self) { try outcome.get() }
            #expect(error?.rank == 2)
        }
    }

    @Test("The first failure stays the one named, and every later call throws it")
    func firstFailure() throws {
        let world = try world(2)
        let backend = ReferenceBackend()
        let first = LocalCommunicator(rank: 0, in: world, backend: backend)
        let second = LocalCommunicator(rank: 1, in: world, backend: backend)
        second.abort("first")
        first.abort("second")
        let tensor = try target(1, 1)
        for communicator in [first, second] {
            let group = group([0, 1], of: communicator.rank)
            let expected = CommunicationError.peerFailed(rank: 1, cause: "first")
            #expect(throws: expected) { try communicator.barrier(over: group) }
            #expect(throws: expected) {
                try communicator.send(tensor, to: 1 - group.index, over: group)
            }
        }
        #expect(
            CommunicationError.peerFailed(rank: 1, cause: "first").description
                == "rank 1 failed: first")
    }
}

/// Two rounds of six collectives; their results.
private func rounds(_ communicator: any Communicator, _ group: RankGroup) throws -> [[UInt32]] {
    let rows = TokenPartition(tokens: 8, among: group.size)
    let input = try operand(communicator.rank, 8, 16)
    let own = input.rows(0..<2)
    let whole = try target(8, 16)
    let part = try target(2, 16)
    var results: [[UInt32]] = []
    for _ in 0..<2 {
        try communicator.allReduce(input, into: whole, over: group)
        results += try bits(whole)
        try communicator.reduceScatter(input, into: part, rows: rows, over: group)
        results += try bits(part)
        try communicator.allGather(own, into: whole, rows: rows, over: group)
        results += try bits(whole)
        let sends = (0..<group.size).map { Tile(rows: 2 * $0..<2 * $0 + 2, columns: 0..<16) }
        try communicator.allToAll(
            input, into: whole, Exchange(sends: sends, receives: sends), over: group)
        results += try bits(whole)
        try communicator.broadcast(whole, from: 1, over: group)
        results += try bits(whole)
        try communicator.barrier(over: group)
    }
    return results
}
