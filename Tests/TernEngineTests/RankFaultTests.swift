import TernEngine
import TernParallel
import TernPlanning
import TernTesting
import Testing

/// What the engine says and does when one of its ranks fails.
@Suite("Ranks that fail", .timeLimit(.minutes(1)))
struct RankFaultTests {
    private static let heads = TopologyBitsTests.Heads(queries: 8, keysValues: 2)

    /// The error that ends a request while one rank misbehaves at its n-th collective.
    private func failure(
        of culprit: RankID, at call: Int, _ fault: FaultyCommunicator.Fault,
        deadline: Duration = .seconds(20), heads: TopologyBitsTests.Heads = heads,
        topology: Topology = Topology(pipeline: 2, sequence: 2, tensor: 2)
    ) throws -> EngineError? {
        var hardware = EngineHardware.test
        hardware.communicator = { inner in
            inner.rank == culprit ? FaultyCommunicator(inner, at: call, fault) : inner
        }
        let folder = try heads.folder()
        let engine = try Engine.tiny(folder: folder.path, on: hardware) {
            $0.topology = topology
            $0.shift = .given(ShiftPolicy(.threshold(7)))
            $0.stepDeadline = deadline
        }
        var found: EngineError?
        do {
            _ = try engine.answer(
                GenerationRequest(prompt: tokens(20), parameters: engine.greedy(20)))
        } catch let error as EngineError {
            found = error
        }
        try engine.stop(within: .seconds(30))
        return found
    }

    @Test("A rank that throws ends the step with its number and cause", arguments: [0, 3, 5, 7])
    func failure(rank: Int) throws {
        let error = try failure(of: RankID(rank), at: 30, .failure(cause: "memory is gone"))
        #expect(error?.kind == .failed)
        #expect(error?.message.contains("rank \(rank) failed: memory is gone") == true)
    }

    @Test("A rank that is gone without a word is named too, in either mode", arguments: [3, 75])
    func death(call: Int) throws {
        let error = try failure(of: 6, at: call, .death, deadline: .seconds(3))
        #expect(error?.kind == .failed)
        #expect(error?.message.contains("rank 6") == true)
    }

    @Test("A rank that hangs is named by its peers' deadline, not by theirs")
    func hang() throws {
        let error = try failure(
            of: 5, at: 40, .delay(.seconds(3)), deadline: .milliseconds(300))
        #expect(error?.kind == .failed)
        #expect(error?.message.contains("rank 5 did not come") == true)
    }

    @Test("Once a rank has failed, no replica takes requests, and each is told why")
    func afterwards() throws {
        var hardware = EngineHardware.test
        hardware.communicator = { inner in
            inner.rank == 3
                ? FaultyCommunicator(inner, at: 9, .failure(cause: "memory is gone")) : inner
        }
        let folder = try Self.heads.folder()
        let engine = try Engine.tiny(folder: folder.path, on: hardware) {
            $0.topology = Topology(data: 2, tensor: 2)
        }
        let requests = (0..<2).map {
            GenerationRequest(prompt: tokens(20, salt: $0), parameters: engine.greedy(20))
        }
        #expect(throws: EngineError.self) { try engine.answers(requests) }
        for _ in 0..<2 {
            #expect("refused") {
                try engine.submit(requests[0]) { _ in }
            } throws: { error in
                (error as? EngineError)?.kind == .unavailable
                    && "\(error)".contains("rank 3 failed: memory is gone")
            }
        }
        try engine.stop(within: .seconds(30))
    }

    @Test("A rank that hangs while the shift is measured is named, and none is left")
    func hangInMeasurement() throws {
        var hardware = EngineHardware.test
        hardware.communicator = { inner in
            inner.rank == 1 ? FaultyCommunicator(inner, at: 7, .delay(.seconds(2))) : inner
        }
        let folder = try Self.heads.folder()
        #expect("named") {
            try Engine.tiny(folder: folder.path, on: hardware) {
                $0.topology = Topology(sequence: 2)
                $0.stepDeadline = .milliseconds(300)
            }
        } throws: {
            "\($0)".contains("rank 1 did not come")
        }
    }

    @Test("A rank of an idle replica ends the steps of those that share experts with it")
    func sharedExperts() throws {
        let error = try failure(
            of: 6, at: 30, .failure(cause: "memory is gone"),
            heads: TopologyBitsTests.Heads(queries: 8, keysValues: 2, experts: 5, layers: 4),
            topology: Topology(
                data: 2, sequence: 2, tensor: 2, expertGroup: .dataSequenceTensor))
        #expect(error?.message.contains("rank 6 failed: memory is gone") == true)
    }

    @Test("A rank that comes late changes nothing")
    func delay() throws {
        #expect(try failure(of: 5, at: 40, .delay(.milliseconds(200))) == nil)
    }

    @Test("A topology that does not fit says why and names the nearest that do")
    func misfit() throws {
        let folder = try Self.heads.folder()
        #expect("nearest") {
            try Engine.tiny(folder: folder.path) { $0.topology = Topology(sequence: 16) }
        } throws: {
            "\($0)".contains("--ulysses-sequence-parallel-size 16")
                && "\($0)".contains("nearest that work: ") && "\($0)".contains("-sp 8")
        }
    }
}
