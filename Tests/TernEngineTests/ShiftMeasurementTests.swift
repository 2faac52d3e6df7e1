import Synchronization
import TernModel
import TernPlanning
import TernTesting
import Testing

@testable import TernEngine

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

    @Test("Where ranks cannot shift, even a large step is in tensor mode")
    func nothingToShift() {
        var configuration = EngineConfiguration(folder: "")
        configuration.topology = Topology(tensor: 2)
        #expect(configuration.shiftPolicy.mode(tokens: 100_000) == .tensor)
        configuration.topology = Topology(sequence: 2)
        #expect(configuration.shiftPolicy.mode(tokens: 100_000) == .sequence)
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

    /// Two sequence ranks under a given threshold, for steps of so many tokens.
    private static func configuration(maxBatchedTokens: Int) -> EngineConfiguration {
        var configuration = EngineConfiguration(folder: Fixture.families + "/qwen3")
        configuration.loadFormat = .dummy
        configuration.maxModelLength = 256
        configuration.maxSequences = 8
        configuration.maxBatchedTokens = maxBatchedTokens
        configuration.topology = Topology(sequence: 2)
        configuration.shift = .given(ShiftPolicy(.threshold(7)))
        return configuration
    }

    @Test("Whole steps are timed up to the largest, in both modes and as the policy has them")
    func benchmark() throws {
        let configuration = Self.configuration(maxBatchedTokens: 24)
        let found = try ShiftBenchmark(configuration, repetitions: 3, on: .test)
        #expect(found.fit == nil && found.policy == ShiftPolicy(.threshold(7)))
        #expect(found.steps.map(\.tokens) == [1, 2, 4, 8, 16, 24])
        for steps in found.steps {
            for times in [steps.tensor, steps.sequence, steps.shift] {
                #expect(times.count == 3 && times.allSatisfy { $0 > 0 })
            }
        }
    }

    @Test("Bytes of a step are those of its collectives, of the rank that receives most")
    func bytes() throws {
        let configuration = Self.configuration(maxBatchedTokens: 64)
        let found = try ShiftBenchmark(configuration, repetitions: 1, on: .test)
        let model = try ModelConfiguration(folder: configuration.folder)
        for steps in found.steps {
            // All-reduces of hidden rows: the embedding's where it is split, two a layer; in the last
            // layer of the one row that asks.
            let rows = steps.tokens * (model.layers - 1) + 1
            #expect(steps.tensorBytes >= 2 * rows * 4 * model.hiddenSize, "\(steps)")
            #expect(steps.tokens == 1 || steps.sequenceBytes > 0)
        }
        let one = try #require(found.steps.first { $0.tokens == 16 })
        let two = try #require(found.steps.first { $0.tokens == 32 })
        let four = try #require(found.steps.first { $0.tokens == 64 })
        // What does not grow with the tokens is the head's: one row.
        #expect(four.tensorBytes - two.tensorBytes == 2 * (two.tensorBytes - one.tensorBytes))
        #expect(
            four.sequenceBytes - two.sequenceBytes == 2 * (two.sequenceBytes - one.sequenceBytes))
    }

    @Test("The loop's own work is counted in processor time")
    func loopTime() throws {
        let engine = try Engine.tiny()
        #expect(engine.metrics.planningTime == .zero && engine.metrics.textTime == .zero)
        let start = ContinuousClock.now
        _ = try engine.answer(GenerationRequest(prompt: tokens(9), parameters: engine.greedy(5)))
        let metrics = engine.metrics
        try engine.stop()
        #expect(metrics.steps == 5 && metrics.planningTime > .zero && metrics.textTime > .zero)
        #expect(metrics.planningTime + metrics.textTime < start.duration(to: .now))
    }
}
