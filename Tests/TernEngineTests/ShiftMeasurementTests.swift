import Synchronization
import TernEngine
import TernPlanning
import TernTesting
import Testing

@Suite("The measured shift", .serialized)
struct ShiftMeasurementTests {
    private static func answers(_ engine: Engine) throws -> [[Answer]] {
        let requests = (0..<3).map { index in
            var parameters = engine.greedy(5)
            parameters.logprobs = 131
            return GenerationRequest(
                prompt: tokens(2 + 21 * index, salt: index), parameters: parameters)
        }
        let answers = try engine.answers(requests)
        try engine.stop()
        return answers
    }

    @Test(
        "A measured threshold changes no bit, and every replica and stage takes part",
        .timeLimit(.minutes(1)),
        arguments: [
            Topology(sequence: 2), Topology(data: 2, sequence: 2),
            Topology(pipeline: 2, sequence: 2),
        ])
    func sameBits(topology: Topology) throws {
        let expected = try Self.answers(try Engine.tiny())
        let engine = try Engine.tiny { $0.topology = topology }
        let fit = try #require(engine.shiftFit)
        #expect(engine.shiftPolicy == fit.policy)
        #expect(fit.rungs.first?.tokens == 1)
        #expect(fit.rungs.allSatisfy { $0.tensor.median > 0 && $0.sequence.median > 0 })
        let isSame = try Self.answers(engine) == expected
        #expect(isSame)
    }

    @Test("The start reports the table and the choice, and takes little longer than its budget")
    func report() throws {
        let notes = Mutex<[String]>([])
        var configuration = EngineConfiguration(folder: Fixture.families + "/qwen3")
        configuration.loadFormat = .dummy
        configuration.maxModelLength = 256
        configuration.maxSequences = 8
        configuration.maxBatchedTokens = 64
        configuration.topology = Topology(sequence: 2)
        let start = ContinuousClock.now
        let engine = try Engine(configuration, on: .test) { report in
            if case .note(let line) = report { notes.withLock { $0.append(line) } }
        }
        #expect(start.duration(to: .now) < .seconds(20))
        try engine.stop()
        let lines = try #require(engine.shiftFit).lines
        #expect(notes.withLock { $0 }.suffix(lines.count) == lines[...])
    }

    @Test("Where there is one mode or a given policy, nothing is measured")
    func unmeasured() throws {
        let single = try Engine.tiny { $0.topology = Topology(tensor: 2) }
        #expect(single.shiftFit == nil)
        try single.stop()
        let given = try Engine.tiny {
            $0.topology = Topology(sequence: 2)
            $0.shift = .given(ShiftPolicy(.threshold(7)))
        }
        #expect(given.shiftFit == nil && given.shiftPolicy == ShiftPolicy(.threshold(7)))
        try given.stop()
    }

    @Test("Whole steps are timed up to the largest, in both modes and as the policy has them")
    func benchmark() throws {
        var configuration = EngineConfiguration(folder: Fixture.families + "/qwen3")
        configuration.loadFormat = .dummy
        configuration.maxModelLength = 256
        configuration.maxSequences = 8
        configuration.maxBatchedTokens = 24
        configuration.topology = Topology(sequence: 2)
        configuration.shift = .given(ShiftPolicy(.threshold(7)))
        let found = try ShiftBenchmark(configuration, repetitions: 3, on: .test)
        #expect(found.fit == nil && found.policy == ShiftPolicy(.threshold(7)))
        #expect(found.steps.map(\.tokens) == [1, 2, 4, 8, 16, 24])
        for steps in found.steps {
            for times in [steps.tensor, steps.sequence, steps.shift] {
                #expect(times.count == 3 && times.allSatisfy { $0 > 0 })
            }
        }
    }
}
