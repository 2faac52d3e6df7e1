import Glibc
import TernJSON
import TernTesting
import Testing

/// `tern serve` with more to do than it can do at once.
@Suite("Serving many", .serialized)
struct ServeLoadTests {
    private func started(_ flags: [String]) throws -> (process: TernProcess, client: HTTPClient) {
        let process = try TernProcess(
            [
                "serve", Fixture.telemachus, "--port", "0", "--dtype", "float32",
                "--disable-log-requests", "--disable-log-stats",
            ] + flags)
        let line = try #require(process.line(containing: "serving at "))
        let port = try #require(line.split(separator: ":").last.flatMap { Int($0) })
        return (process, HTTPClient(port: port))
    }

    private func sum(_ number: Int) -> JSON {
        [
            "messages": [["role": "user", "content": .string("What is \(number) + 30?")]],
            "temperature": 0, "max_tokens": 8,
        ]
    }

    private func text(_ answer: HTTPAnswer) -> String? {
        answer.json["choices"]?.array?.first?["message"]?["content"]?.string
    }

    @Test("A thousand requests at once are all answered, each as if it were alone")
    func thousand() throws {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        let (process, client) = try started([])
        let alone = try (0..<20).map { try client.post("/v1/chat/completions", sum($0)) }
        let answers = try client.postAll(
            "/v1/chat/completions", (0..<1000).map { sum($0 % 20) })
        #expect(answers.allSatisfy { $0.status == 200 })
        #expect(answers.map(text) == (0..<1000).map { text(alone[$0 % 20]) })
        #expect(text(alone[12]) == "42")
        process.signal(SIGTERM)
        #expect(process.wait() == 0)
    }

    @Test("Beyond a small queue requests are refused with 429, and the others are answered")
    func refused() throws {
        let (process, client) = try started(["--max-num-seqs", "1", "--max-num-queued-reqs", "2"])
        let answers = try client.postAll("/v1/chat/completions", (0..<50).map(sum))
        let refused = answers.filter { $0.status == 429 }
        #expect(refused.count > 0 && refused.count < 50)
        #expect(answers.allSatisfy { [200, 429].contains($0.status) })
        #expect(refused.first?.json["error"]?["code"] == "queue_full")
        #expect(try client.post("/v1/chat/completions", sum(12)).status == 200)
        process.signal(SIGTERM)
        #expect(process.wait() == 0)
    }
}
