import Synchronization
import TernJSON
import TernTesting
import Testing

@testable import TernEngine
@testable import TernPlanning
@testable import TernServer

@Suite("What the server logs")
struct LogTests {
    /// Runs a server around a body and gives the lines it reported.
    private func lines(
        _ generator: ScriptedGenerator = ScriptedGenerator(),
        _ change: @escaping (inout ServerConfiguration) -> Void = { _ in },
        _ body: (Int) throws -> Void
    ) throws -> [String] {
        let lines = Mutex<[String]>([])
        try withServer(
            generator,
            configure: { configuration in
                configuration.report = { line in lines.withLock { $0.append(line) } }
                change(&configuration)
            }
        ) { _, port in try body(port) }
        return lines.withLock { $0 }.filter {
            !$0.contains("stopping:") && !$0.contains("routes:")
        }
    }

    @Test("Each request has one line at its end, with its id, what it took and how it ended")
    func requests() throws {
        let lines = try lines { port in
            let client = try TestClient(port: port)
            _ = try client.post(
                "/v1/completions", #"{"prompt": "abc", "stream": true}"#,
                headers: "x-request-id: first\r\n")
            _ = try client.post(
                "/v1/completions", #"{"prompt": 7}"#, headers: "x-request-id: second\r\n")
            _ = try client.get("/health")
            _ = try client.get("/nowhere", headers: "x-request-id: third\r\n")
        }
        #expect(lines.count == 3)
        #expect(
            lines[0].contains(" request id=first method=POST path=/v1/completions status=200 ms="))
        #expect(lines[0].hasSuffix(" prompt_tokens=4 generation_tokens=4 finish=stop"))
        #expect(lines[1].contains("id=second") && lines[1].contains("status=400"))
        #expect(lines[1].contains(#"error="prompt: found 7"#))
        #expect(lines[2].contains("id=third") && lines[2].contains("status=404"))
    }

    @Test("A request that is refused before it is whole has a line too, under the id it was told")
    func refused() throws {
        var told: String?
        let lines = try lines { port in
            let client = try TestClient(port: port)
            client.send("GET /health HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n")
            told = try client.answer()["x-request-id"]
        }
        #expect(lines.count == 1)
        let id = try #require(told)
        #expect(lines.first?.contains(" request id=\(id) status=400 ") == true)
        #expect(lines.first?.contains("Content-Length") == true)
    }

    @Test("As JSON each line is an object")
    func json() throws {
        let lines = try lines(change: { $0.logFormat = .json }) { port in
            _ = try TestClient(port: port).post("/v1/completions", #"{"prompt": "é"}"#)
        }
        let line = try JSON(parsing: try #require(lines.first))
        #expect(line["event"] == "request" && line["status"] == 200)
        #expect(line["id"]?.string?.utf8.count == 24)
        #expect(line["prompt_tokens"] == 3 && line["generation_tokens"] == 3)
        #expect(line["time"]?.string?.hasSuffix("Z") == true)
    }

    private func lines(
        change: @escaping (inout ServerConfiguration) -> Void, _ body: (Int) throws -> Void
    ) throws -> [String] { try lines(ScriptedGenerator(), change, body) }

    @Test("A client that leaves is a line with the tokens so far")
    func left() throws {
        let endless = ScriptedGenerator(pace: .milliseconds(1), isEndless: true) { _ in
            [ScriptedGenerator.output(0, text: "a", token: 97)]
        }
        let lines = try lines(endless) { port in
            let client = try TestClient(port: port)
            client.sendPost("/v1/completions", #"{"prompt": "a", "stream": true}"#)
            _ = try client.take(through: "data: ")
            client.leave()
            #expect(eventually { endless.cancelled == 1 })
        }
        #expect(lines.count == 1)
        #expect(lines[0].contains("status=left") && !lines[0].contains("generation_tokens=0"))
    }

    @Test("Switched off, they are not written")
    func off() throws {
        let lines = try lines(change: { $0.logsRequests = false }) { port in
            _ = try TestClient(port: port).post("/v1/completions", #"{"prompt": "a"}"#)
        }
        #expect(lines.isEmpty)
    }

    @Test("What a client sends cannot make a second line")
    func injection() {
        let fields: [JSONObject.Member] = [("a", "x\ny=1 \"z\""), ("b", ""), ("c", "é\u{2028}")]
        let line = LogFormat.text.line("request", fields)
        #expect(!line.contains("\n") && line.utf8.allSatisfy { $0 < 0x80 })
        #expect(line.hasSuffix(##"request a="x\ny=1 \"z\"" b="" c="\u00e9\u2028""##))
    }

    @Test("Figures tell rates and the split of modes while there is work, and nothing without")
    func statistics() {
        let start = ContinuousClock.now
        var metrics = EngineMetrics()
        var statistics = PeriodicStatistics(metrics, at: start)
        #expect(statistics.fields(metrics, at: start + .seconds(10)) == nil)
        metrics.promptTokens = 500
        metrics.generatedTokens = 26
        metrics.stepsByMode = [.tensor: 3, .sequence: 1]
        metrics.scheduler = SchedulerCounts(
            running: 2, waiting: 1, usedBlocks: 1, cachedBlocks: 0, totalBlocks: 8,
            prefixQueryTokens: 0, prefixHitTokens: 0, preemptions: 0)
        let fields = statistics.fields(metrics, at: start + .seconds(20))
        #expect(
            fields.map { JSON.object(JSONObject($0)) } == [
                "prompt_tokens_per_s": 50, "generation_tokens_per_s": 2.6, "running": 2,
                "waiting": 1, "kv_percent": 12.5, "sequence_steps_percent": 25,
                "tensor_steps_percent": 75,
            ])
        // Something waits, though no step was done.
        #expect(statistics.fields(metrics, at: start + .seconds(30)) != nil)
        metrics.scheduler = nil
        #expect(statistics.fields(metrics, at: start + .seconds(40)) == nil)
    }
}
