import Glibc
import TernJSON
import TernTesting
import Testing

@testable import tern

@Suite("tern top", .serialized)
struct TopTests {
    private let before = MetricsSample(
        parsing: """
            # HELP vllm:prompt_tokens_total Tokens.
            # TYPE vllm:prompt_tokens_total counter
            vllm:prompt_tokens_total{model_name="a",engine="0"} 100
            vllm:prompt_tokens_total{model_name="a",engine="1"} 20
            vllm:num_requests_running{model_name="a",engine="0"} 5.0
            tern:steps_total{model_name="a",engine="0",mode="tensor"} 10
            tern:steps_total{model_name="a, \\" b}",engine="0",mode="sequence"} 10
            vllm:time_to_first_token_seconds_bucket{model_name="a",engine="0",le="0.1"} 4
            vllm:time_to_first_token_seconds_bucket{model_name="a",engine="0",le="0.5"} 4
            vllm:time_to_first_token_seconds_bucket{model_name="a",engine="0",le="+Inf"} 4
            """)
    private let after = MetricsSample(
        parsing: """
            vllm:prompt_tokens_total{engine="0",model_name="a"} 300
            vllm:prompt_tokens_total{engine="1",model_name="a"} 20
            vllm:num_requests_running{engine="0",model_name="a"} 2.0
            vllm:kv_cache_usage_perc{engine="0",model_name="a"} 0.5
            tern:steps_total{engine="0",model_name="a",mode="tensor"} 13
            tern:steps_total{engine="0",model_name="a",mode="sequence"} 11
            vllm:time_to_first_token_seconds_bucket{engine="0",model_name="a",le="0.1"} 4
            vllm:time_to_first_token_seconds_bucket{engine="0",model_name="a",le="0.5"} 8
            vllm:time_to_first_token_seconds_bucket{engine="0",model_name="a",le="+Inf"} 9
            nonsense
            """)

    @Test("Rates are what counters grew by, whatever the order of labels; gauges are of the moment")
    func frame() {
        let frame = TopFrame(from: before, to: after, seconds: 2)
        #expect(frame.promptRate == 100 && frame.generationRate == 0)
        #expect(frame.running == 2 && frame.cacheUsage == 0.5)
        #expect(frame.sequenceShare == 0.25 && frame.stepRate == 2)
        // Of five, the third lies in the middle of the bucket from 0.1 to 0.5.
        let median = frame.latencies[0].median ?? 0
        #expect(abs(median - (0.1 + 0.4 * 2.5 / 4)) < 1e-9)
        #expect(frame.latencies[0].worst == 0.5)
        #expect(frame.latencies[1].median == nil)
        #expect(frame.line.hasPrefix("prompt 100.0/s  generated 0.0/s  running 2"))
    }

    @Test("A server that was started again counts from zero")
    func restart() {
        let frame = TopFrame(from: after, to: before, seconds: 1)
        #expect(frame.promptRate == 120)
    }

    @Test("A screen is as wide as the terminal, and its strips end with the last interval")
    func screen() {
        let idle = TopFrame(from: after, to: after, seconds: 1)
        let busy = TopFrame(from: before, to: after, seconds: 1)
        for width in [20, 40, 80, 200] {
            let frames = Array(repeating: idle, count: 300) + [busy]
            let lines = TopFrame.screen(frames, title: "http://a", width: width)
            #expect(lines.allSatisfy { $0.count <= width })
            #expect(lines.count == 18)
        }
        let lines = TopFrame.screen([idle, busy], title: "http://a", width: 80)
        #expect(lines.contains("  sequence mode    ▂"))
        #expect(lines.contains("  tensor mode      ▆"))
    }

    @Test("Addresses are hosts with ports, in brackets where they have colons")
    func addresses() throws {
        for url in ["http://localhost:8000", "localhost:8000/", "http://[::1]:80/metrics", "a"] {
            #expect(throws: Never.self) { try MetricsClient(url, key: nil) }
        }
        for url in ["https://a", "http://a:b", "http://:80", ""] {
            #expect(throws: UsageError.self) { try MetricsClient(url, key: nil) }
        }
    }

    @Test("Without a terminal it writes a line for each interval, of a server that works")
    func lines() throws {
        let process = try TernProcess([
            "serve", Fixture.telemachus, "--port", "0", "--dtype", "float32", "--log-format",
            "json",
        ])
        let line = try #require(process.line(containing: "serving at "))
        #expect(try JSON(parsing: line)["event"] == "note")
        let message = try JSON(parsing: line)["message"]?.string ?? ""
        let port = try #require(message.split(separator: ":").last.flatMap { Int($0) })
        let body: JSON = ["prompt": "Tell me", "max_tokens": 5, "ignore_eos": true]
        #expect(try HTTPClient(port: port).post("/v1/completions", body).status == 200)
        let request = try JSON(parsing: try #require(process.line(containing: "generation_tokens")))
        #expect(request["generation_tokens"] == 5 && request["path"] == "/v1/completions")
        let page = try HTTPClient(port: port).get("/metrics").body
        #expect(
            page.contains(#"vllm:generation_tokens_total{model_name="telemachus",engine="0"} 5"#))
        let top = try TernProcess.run([
            "top", "http://127.0.0.1:\(port)", "--interval", "0.1", "--count", "3",
        ])
        #expect(top.status == 0)
        let lines = top.output.split(separator: "\n")
        #expect(lines.count == 3 && lines.allSatisfy { $0.hasPrefix("prompt 0.0/s  generated") })
        process.signal(SIGTERM)
        #expect(process.wait() == 0)
        let gone = try TernProcess.run(["top", "http://127.0.0.1:\(port)"])
        #expect(gone.status == 1 && gone.errors.contains("Connection refused"))
    }

    @Test("generate writes a trace that is JSON")
    func trace() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/trace.json"
        let run = try TernProcess.run([
            "generate", Fixture.telemachus, "--prompt", "Tell me", "--max-tokens", "3",
            "--ignore-eos", "--trace", path,
        ])
        #expect(run.status == 0)
        let events = try JSON(parsing: Fixture.bytes(path)).array ?? []
        #expect(events.count { $0["name"] == "commit" } == 3)
    }
}
