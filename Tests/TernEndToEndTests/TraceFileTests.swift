import TernBench
import TernTesting
import Testing

@testable import tern

@Suite("Trace files")
struct TraceFileTests {
    private func trace(_ text: String, limit: Int = .max) throws -> TraceFile {
        let folder = try TemporaryFolder()
        try folder.write("trace.jsonl", text.utf8)
        return try TraceFile(path: folder.path + "/trace.jsonl", limit: limit)
    }

    @Test("Both spellings are read, blank lines skipped, and lines kept for messages")
    func reads() throws {
        let found = try trace(
            """
            {"timestamp": 1500, "input_length": 10, "output_length": 3}

            {"prompt_tokens": 4, "output_tokens": 1, "arrival": 0.25, "user": "x"}
            {"prompt_tokens": 4, "output_tokens": 1}

            """)
        #expect(
            found.workload
                == Workload([
                    .init(promptTokens: 10, outputTokens: 3, arrival: 1.5),
                    .init(promptTokens: 4, outputTokens: 1, arrival: 0.25),
                    .init(promptTokens: 4, outputTokens: 1),
                ]))
        #expect(found.place(of: 1).hasSuffix("/trace.jsonl:3"))
    }

    @Test("Arrivals count from the earliest, so that a trace may tell times of a clock")
    func clockTimes() throws {
        let found = try trace(
            """
            {"timestamp": 1700000002500, "input_length": 4, "output_length": 1}
            {"timestamp": 1700000000000, "input_length": 4, "output_length": 1}
            """)
        #expect(found.workload.requests.map(\.arrival) == [2.5, 0])
    }

    @Test("A limit takes the first requests, and does not read on")
    func limits() throws {
        let line = #"{"prompt_tokens": 4, "output_tokens": 1}"#
        let found = try trace([line, line, "nonsense"].joined(separator: "\n"), limit: 2)
        #expect(found.workload.requests.count == 2)
    }

    @Test("A bad line is refused with file and line, and with what was found")
    func refuses() throws {
        let good = #"{"prompt_tokens": 4, "output_tokens": 1}"#
        let cases = [
            (#"{"prompt_tokens": 0, "output_tokens": 1}"#, "prompt_tokens is 0"),
            (#"{"prompt_tokens": 4}"#, "output_tokens is missing"),
            (#"{"input_length": "4", "output_length": 1}"#, #"input_length is "4""#),
            (#"{"timestamp": -1, "input_length": 4, "output_length": 1}"#, "timestamp is -1"),
            (#"{"prompt_tokens": 4, "output_tokens": 1, "arrival": "now"}"#, "arrival is"),
            (#"{"prompt_tokens": 4, "output_tokens": 1, "arrival": 1e300}"#, "arrival is 1e+300"),
            (#"{"length": 3}"#, "found no lengths"), ("4 1", "JSON, byte"),
        ]
        for (line, message) in cases {
            #expect("\(line)") {
                try trace([good, line].joined(separator: "\n"))
            } throws: {
                "\($0)".contains("/trace.jsonl:2: ") && "\($0)".contains(message)
            }
        }
        #expect("empty") { try trace("\n") } throws: { "\($0)".contains("has no request") }
    }
}
