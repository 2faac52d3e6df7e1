import TernEngine
import TernJSON
import TernPlanning
import TernTesting
import Testing

@Suite("A trace of steps", .serialized)
struct StepTraceTests {
    /// Runs one request under a trace and gives the file.
    private func traced() throws -> [UInt8] {
        let folder = try TemporaryFolder()
        let path = folder.path + "/trace.json"
        func run() throws {
            let trace = try StepTrace(path: path)
            let engine = try Engine.tiny {
                $0.topology = Topology(sequence: 2)
                $0.shift = .given(ShiftPolicy(.threshold(8)))
                $0.trace = trace
            }
            var request = GenerationRequest(prompt: tokens(20), parameters: engine.greedy(4))
            request.label = "a request"
            _ = try engine.answer(request)
            try engine.stop()
        }
        try run()
        return try Fixture.bytes(path)
    }

    @Test("It is JSON, with a track for the loop, one for each mode, and a span for each choice")
    func events() throws {
        let events = try JSON(parsing: traced()).array ?? []
        func named(_ name: String) -> [JSON] { events.filter { $0["name"]?.string == name } }
        #expect(
            named("thread_name").compactMap { $0["args"]?["name"]?.string }
                == ["loop", "tensor mode", "sequence mode"])
        #expect(named("schedule").count == 4 && named("wait").count == 4)
        #expect(named("commit").count == 4)
        let steps = events.filter { $0["args"]?["step"] != nil }
        #expect(steps.map { $0["args"]?["tokens"]?.integer } == [20, 1, 1, 1])
        #expect(steps.map { $0["tid"]?.integer } == [3, 2, 2, 2])
        let ends = zip(steps, steps.dropFirst())
        for (step, next) in ends {
            let end = (step["ts"]?.number ?? 0) + (step["dur"]?.number ?? 0)
            #expect(end <= (next["ts"]?.number ?? 0) + 0.001)
        }
        let spans = events.filter { $0["cat"]?.string == "request" && $0["ph"]?.string == "b" }
        #expect(
            spans.compactMap { $0["name"]?.string } == ["a request", "queue", "prefill", "decode"])
        #expect(spans.first?["args"]?["finish"] == "length")
        for event in events where event["dur"] != nil {
            #expect((event["dur"]?.number ?? -1) >= 0)
        }
    }

    @Test("Cut after any line, it lacks nothing but the bracket")
    func cut() throws {
        let lines = try String(decoding: traced(), as: UTF8.self).split(separator: "\n")
        #expect(lines.count > 20)
        for count in 2..<lines.count - 1 {
            var head = lines[..<count].joined(separator: "\n")
            if head.hasSuffix(",") { head.removeLast() }
            #expect(throws: Never.self) { try JSON(parsing: head + "]") }
        }
    }

    @Test("A file that cannot be made is said by name")
    func unwritable() {
        #expect("nowhere") {
            try StepTrace(path: "/nowhere/trace.json")
        } throws: { "\($0)".contains("/nowhere/trace.json: No such file") }
    }
}
