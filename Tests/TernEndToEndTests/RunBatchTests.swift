import Glibc
import TernJSON
import TernTesting
import Testing

/// `tern run-batch` as a user runs it, and as a machine kills it.
@Suite("Batch command")
struct RunBatchTests {
    private let folder: TemporaryFolder
    private let names = (0..<48).map { "request-\($0)" }

    init() throws {
        folder = try TemporaryFolder()
        let lines = names.enumerated().map { index, name in
            let request: JSON =
                index % 2 == 0
                ? [
                    "messages": [["role": "user", "content": .string("What is \(index) + 5?")]],
                    "model": "telemachus", "temperature": 0,
                ]
                : [
                    "prompt": .string("Tell me, O Muse, \(index)"), "max_tokens": 48, "seed": 7,
                    "ignore_eos": true,
                ]
            let line: JSON = [
                "custom_id": .string(name), "method": "POST",
                "url": index % 2 == 0 ? "/v1/chat/completions" : "/v1/completions",
                "body": request,
            ]
            return line.text()
        }
        try folder.write("in.jsonl", lines.joined(separator: "\n").utf8)
    }

    /// Few sequences at one time, so that answers come one after the other.
    private func words(_ output: String) -> [String] {
        [
            "run-batch", folder.path + "/in.jsonl", folder.path + "/" + output, "--model",
            Fixture.telemachus, "--max-num-seqs", "2", "--kv-cache-memory-bytes", "16000000",
        ]
    }

    /// The choices of every answer, by name; no name may come twice.
    private func choices(_ output: String) throws -> [String: JSON] {
        let content = try Fixture.bytes(folder.path + "/" + output)
        #expect(content.last == UInt8(ascii: "\n"))
        let pairs = try content.split(separator: UInt8(ascii: "\n")).map { line in
            let answer = try JSON(parsing: line)
            let choices = try #require(answer["response"]?["body"]?["choices"])
            return (try #require(answer["custom_id"]?.string), choices)
        }
        #expect(Set(pairs.map(\.0)).count == pairs.count)
        return Dictionary(pairs) { first, _ in first }
    }

    /// Answers in a file, torn ones not counted.
    private func count(_ output: String) -> Int {
        let bytes = (try? Fixture.bytes(folder.path + "/" + output)) ?? []
        return bytes.count { $0 == UInt8(ascii: "\n") }
    }

    @Test("A run that is killed again and again ends with what one whole run writes")
    func killed() throws {
        let whole = try TernProcess.run(words("whole.jsonl"))
        #expect(whole.status == 0, "\(whole.errors)")
        let expected = try choices("whole.jsonl")
        #expect(Set(expected.keys) == Set(names))
        for goal in [1, 13, 25] {
            let process = try TernProcess(words("killed.jsonl"))
            var waited = 0
            while count("killed.jsonl") < goal && waited < 20_000 {
                usleep(1000)
                waited += 1
            }
            process.signal(SIGKILL)
            #expect(process.wait() == 128 + SIGKILL)
            #expect((goal..<names.count).contains(count("killed.jsonl")), "not in the middle")
        }
        // A kill seldom tears a line; a full disk does.
        let torn = try Fixture.bytes(folder.path + "/killed.jsonl") + #"{"id":"batch_req_12"#.utf8
        try folder.write("killed.jsonl", torn)
        let kept = count("killed.jsonl")
        let last = try TernProcess.run(words("killed.jsonl"))
        #expect(last.status == 0, "\(last.errors)")
        #expect(last.errors.contains("going on after \(kept) answers"))
        #expect(try choices("killed.jsonl") == expected)
        let idle = try TernProcess.run(words("killed.jsonl"))
        #expect(idle.status == 0 && !idle.errors.contains("loading weights"))
    }

    @Test("Files and model are named by words or by vLLM's flags, and what is missing is named")
    func places() throws {
        try folder.write("bad.jsonl", "{}".utf8)
        let (bad, out) = (folder.path + "/bad.jsonl", folder.path + "/out.jsonl")
        let model = Fixture.telemachus
        let cases = [
            ([bad, out, "--model", model], "/bad.jsonl:1: custom_id: found nothing"),
            (["-i", bad, "-o", out, "--model", model], "/bad.jsonl:1: custom_id"),
            ([bad, out, model], "/bad.jsonl:1: custom_id"),
            ([out, model, "-i", bad], "/bad.jsonl:1: custom_id"),
            ([bad], "needs OUT: a word or --output-file"), ([bad, out], "needs MODEL"),
            ([bad, out, "-i", bad, "-o", out, "--model", model], "found \(bad) beside them"),
        ]
        for (arguments, message) in cases {
            let outcome = try TernProcess.run(["run-batch"] + arguments)
            #expect(outcome.status == 1 && outcome.errors.contains(message), "\(outcome.errors)")
        }
    }
}
