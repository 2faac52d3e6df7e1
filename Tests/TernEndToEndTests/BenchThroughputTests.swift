import TernJSON
import TernTesting
import Testing

/// `tern bench throughput` as a user runs it.
@Suite("Throughput command")
struct BenchThroughputTests {
    private let folder: TemporaryFolder
    private var trace: String { folder.path + "/trace.jsonl" }

    init() throws { folder = try TemporaryFolder() }

    private func run(_ arguments: [String]) throws -> TernProcess.Outcome {
        try TernProcess.run(
            ["bench", "throughput", Fixture.families + "/llama", "--load-format", "dummy"]
                + arguments)
    }

    private func json(_ arguments: [String]) throws -> JSON {
        let outcome = try run(arguments + ["--json"])
        #expect(outcome.status == 0, "\(outcome.errors)")
        return try JSON(parsing: outcome.output)
    }

    @Test("Equal requests are counted to the token, and every rate and percentile is told")
    func equalRequests() throws {
        let object = try json(["--num-prompts", "6", "--input-len", "20", "--output-len", "5"])
        #expect(object["num_requests"] == 6 && object["total_num_tokens"] == 150)
        #expect(object["prompt_tokens"] == 120 && object["output_tokens"] == 30)
        // All prompts fit one step, and each further step gives each its next token.
        #expect((5...10).contains(try #require(object["steps"]?.integer)))
        let names = ["ttft", "tpot", "e2el"].flatMap { name in
            ["p50", "p90", "p99"].map { "\(name)_\($0)_s" }
        }
        for name in names + ["requests_per_second", "tokens_per_second", "elapsed_time"] {
            #expect(try #require(object[name]?.number) > 0, "\(name)")
        }
        #expect(object["tensor_steps_percent"] == nil)
    }

    @Test("A trace is entered at its times, and ranks that shift tell the share of each mode")
    func traces() throws {
        let lines = [
            #"{"prompt_tokens": 40, "output_tokens": 4, "arrival": 0.0}"#,
            #"{"prompt_tokens": 8, "output_tokens": 2, "arrival": 30.0}"#,
        ]
        try folder.write("trace.jsonl", lines.joined(separator: "\n").utf8)
        let object = try json([
            "--trace", trace, "--time-scale", "0.01", "-sp", "2", "--shift-parallel-threshold",
            "16",
        ])
        // The second comes 0.3 s after the first.
        #expect(try #require(object["elapsed_time"]?.number) > 0.3)
        #expect(object["steps"] == 6 && object["preemptions"] == 0)
        let sequence = try #require(object["sequence_steps_percent"]?.number)
        #expect(abs(sequence - 100.0 / 6) < 1e-9)
    }

    @Test("What does not fit is refused by its line, and flags that contradict by their names")
    func refusals() throws {
        try folder.write("trace.jsonl", #"{"prompt_tokens": 90000, "output_tokens": 4}"#.utf8)
        let cases = [
            (["--trace", trace], "/trace.jsonl:1: 90000 tokens in and 4 out"),
            (["--trace", trace, "--input-len", "3"], "--trace gives the lengths"),
            (["--time-scale", "2"], "--time-scale needs --trace"),
            (["--trace", trace, "--length-scale", "0"], "--length-scale is 0.0"),
            (["--trace", folder.path + "/none"], "is missing"),
        ]
        for (arguments, message) in cases {
            let outcome = try run(arguments)
            #expect(outcome.status == 1 && outcome.errors.contains(message), "\(outcome.errors)")
        }
    }
}
