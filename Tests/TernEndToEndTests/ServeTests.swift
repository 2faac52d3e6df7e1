import Glibc
import Synchronization
import TernJSON
import TernTesting
import Testing

/// `tern serve` as a client sees it.
@Suite("Serving the bundled model", .serialized)
struct ServeTests {
    /// A started server and a client of it.
    private func started() throws -> (process: TernProcess, client: HTTPClient) {
        let process = try TernProcess([
            "serve", Fixture.telemachus, "--port", "0", "--dtype", "float32", "--max-num-seqs",
            "32",
        ])
        let line = try #require(process.line(containing: "serving at "))
        let port = try #require(line.split(separator: ":").last.flatMap { Int($0) })
        return (process, HTTPClient(port: port))
    }

    private func question(_ text: String, _ change: [(String, JSON)] = []) -> JSON {
        var body = JSONObject([
            ("model", "telemachus"), ("temperature", 0), ("max_tokens", 40),
            ("messages", [["role": "user", "content": .string(text)]]),
        ])
        for (key, value) in change { body[key] = value }
        return .object(body)
    }

    @Test("It answers, streams the same text, and stops with status 0 on SIGTERM and SIGINT")
    func answers() throws {
        for signal in [SIGTERM, SIGINT] {
            let (process, client) = try started()
            #expect(try client.get("/health").status == 200)
            let models = try client.get("/v1/models").json
            #expect(models["data"]?.array?.first?["id"] == "telemachus")
            let body = question("What is 12 + 30?")
            let answer = try client.post("/v1/chat/completions", body).json
            #expect(answer["choices"]?.array?.first?["message"]?["content"] == "42")
            #expect(answer["usage"]?["completion_tokens"] == 3)
            let stream = try client.post(
                "/v1/chat/completions", question("What is 12 + 30?", [("stream", true)]))
            let deltas = stream.events.compactMap {
                $0["choices"]?.array?.first?["delta"]?["content"]?.string
            }
            #expect(deltas.joined() == "42")
            #expect(stream.body.hasSuffix("data: [DONE]\n\n"))
            process.signal(signal)
            #expect(process.wait() == 0)
        }
    }

    @Test("Its start says what was loaded, how ranks are laid out, when they shift, and the routes")
    func startLines() throws {
        let process = try TernProcess([
            "serve", Fixture.telemachus, "--port", "0", "-sp", "2", "--max-num-seqs", "4",
            "--shift-parallel-threshold", "8",
        ])
        let starts = [
            "memory: weights ", "KV cache: ", "weights: 0.01 GiB a rank, loaded in ",
            "topology: 2 ranks, -sp 2 -tp 1",
            "shift: tensor mode up to 8 tokens, sequence mode beyond",
        ]
        // All lines to the last one: a line that is missing fails, where to wait for it would not.
        var lines: [String] = []
        while let line = process.line(containing: "") {
            lines.append(line)
            if line.hasPrefix("routes: ") { break }
        }
        for start in starts { #expect(lines.contains { $0.contains(start) }, "\(start): \(lines)") }
        let routes = try #require(lines.last)
        for route in ["/ready", "/metrics", "/v1/models", "/v1/chat/completions", "/steps"] {
            #expect(routes.contains(" " + route))
        }
        #expect(lines.contains { $0.hasPrefix("serving at http://127.0.0.1:") })
        process.signal(SIGTERM)
        #expect(process.wait() == 0)
    }

    @Test("32 streams at once say what each says alone")
    func concurrentStreams() throws {
        let (process, client) = try started()
        let questions = (0..<32).map {
            "Tell me about \(["Circe", "Argos", "Helen"][$0 % 3]) \($0)."
        }
        let alone = try questions.map { text in
            try client.post("/v1/chat/completions", question(text)).json["choices"]?.array?.first?[
                "message"]?["content"]?.string ?? ""
        }
        let together = Mutex(Array(repeating: "", count: questions.count))
        var threads: [pthread_t] = []
        for (index, text) in questions.enumerated() {
            let body = question(text, [("stream", true)])
            threads.append(
                spawn {
                    let events = (try? client.post("/v1/chat/completions", body))?.events ?? []
                    let deltas = events.compactMap {
                        $0["choices"]?.array?.first?["delta"]?["content"]?.string
                    }
                    together.withLock { $0[index] = deltas.joined() }
                })
        }
        for thread in threads { pthread_join(thread, nil) }
        #expect(together.withLock { $0 } == alone)
        #expect(Set(alone).count > 3)
        process.signal(SIGTERM)
        #expect(process.wait() == 0)
    }

    @Test("Bad requests get OpenAI's error shape, and the next request is answered")
    func errors() throws {
        let (process, client) = try started()
        let cases: [(JSON, Int, JSON)] = [
            (question("x", [("model", "nestor")]), 404, nil),
            (question("x", [("temperature", -1)]), 400, "temperature"),
            (question("x", [("n", 0)]), 400, "n"),
            (question("x", [("messages", "hail")]), 400, "messages"),
            (question("x", [("stop", ["1", "2", "3", "4", "5"])]), 400, "stop"),
        ]
        for (body, status, parameter) in cases {
            let answer = try client.post("/v1/chat/completions", body)
            #expect(answer.status == status)
            let error = answer.json["error"]
            #expect(error?["message"]?.string?.isEmpty == false)
            if !parameter.isNull { #expect(error?["param"] == parameter) }
        }
        #expect(try client.post("/v1/chat/completions", question("Hello!")).status == 200)
        process.signal(SIGTERM)
        #expect(process.wait() == 0)
    }
}
