import TernPlanning
import Testing

@testable import TernEngine

@Suite("Requests that arrive over time", .serialized)
struct ArrivalTests {
    @Test("Each request is entered at its time, in the order of times, and answered as if alone")
    func arrivals() throws {
        let engine = try Engine.tiny()
        let requests = (0..<3).map {
            GenerationRequest(prompt: tokens(9, salt: $0), parameters: engine.greedy(4))
        }
        let alone = try requests.map { try engine.answer($0).tokens }
        let arrivals = [Duration.milliseconds(120), .zero, .milliseconds(60)]
        var first: [Int: Duration] = [:]
        var answers = [[TokenID]](repeating: [], count: 3)
        var last = Duration.zero
        try engine.generate(requests, at: arrivals) { index, output, time in
            #expect(time >= last)
            last = time
            first[index] = first[index] ?? time
            answers[index] += output.tokens.map(\.token)
        }
        #expect(answers == alone)
        for index in 0..<3 { #expect(try #require(first[index]) > arrivals[index]) }
        try engine.stop()
    }

    @Test("A request that is refused ends those before it")
    func refusal() throws {
        let engine = try Engine.tiny()
        let good = GenerationRequest(prompt: tokens(9), parameters: engine.greedy(200))
        let bad = GenerationRequest(prompt: [], parameters: engine.greedy(4))
        #expect(throws: EngineError.self) {
            try engine.generate([good, bad], at: [.zero, .milliseconds(1)]) { _, _, _ in }
        }
        // What runs beside it now has the engine to itself: the cancelled one has ended.
        _ = try engine.answer(GenerationRequest(prompt: tokens(5), parameters: engine.greedy(2)))
        #expect(engine.metrics.finished[.cancelled] == 1)
        #expect(engine.metrics.scheduler?.running == 0)
        try engine.stop()
    }

    @Test("Silence is a failure only where no step is taken meanwhile")
    func silence() {
        var looks = 0
        #expect("no step") {
            try TimedEvents().take(until: nil, within: .milliseconds(5)) {
                looks += 1
                return min(looks, 4)
            }
        } throws: {
            "\($0)" == "no output and no step within 0.005 seconds"
        }
        #expect(looks == 5)
    }

    @Test("Steps are counted by their modes")
    func modes() throws {
        let engine = try Engine.tiny {
            $0.topology = Topology(sequence: 2)
            $0.shift = .given(ShiftPolicy(.threshold(8)))
        }
        let prompt = tokens(20)
        _ = try engine.answer(GenerationRequest(prompt: prompt, parameters: engine.greedy(5)))
        #expect(engine.metrics.stepsByMode == [.sequence: 1, .tensor: 4])
        #expect(engine.metrics.steps == 5)
        try engine.stop()
    }
}
