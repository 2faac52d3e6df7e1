import Glibc
import Synchronization
import TernEngine
import TernJSON
import TernPlanning
import TernTesting
import Testing

/// Ranks in a process of their own that is killed, stopped or broken while they work: every answer has
/// the tokens of a run that nothing disturbs.
@Suite("Ranks in a process of their own", .serialized)
struct RankProcessTests {
    /// Prompts of many lengths, greedy and seeded.
    private static func requests(_ engine: Engine, _ count: Int, tokens: Int) -> [GenerationRequest]
    {
        (0..<count).map { index in
            var parameters = engine.defaultParameters(maxTokens: tokens)
            (parameters.temperature, parameters.seed) = (index % 2 == 0 ? 0 : 1, UInt64(index))
            parameters.ignoreEOS = true
            let prompt = (0..<5 + 29 * index % 90).map {
                TokenID(300 + ($0 * 7 + index * 31) % 900)
            }
            return GenerationRequest(prompt: prompt, parameters: parameters)
        }
    }

    static func tokens(
        _ engine: Engine, _ requests: [GenerationRequest], during: () -> Void = {}
    ) throws -> [[TokenID]] {
        var tokens = Array(repeating: [TokenID](), count: requests.count)
        try engine.generate(requests) { index, output in
            tokens[index] += output.tokens.map(\.token)
            if output.finish == .failed { tokens[index].append(-1) }
            during()
        }
        return tokens
    }

    /// Where answers differ first, for a person.
    private static func difference(_ found: [[TokenID]], _ expected: [[TokenID]]) -> String? {
        for (index, (one, other)) in zip(found, expected).enumerated() where one != other {
            let place = zip(one, other).prefix { $0 == $1 }.count
            return "request \(index) after \(place) tokens: \(one[place...]), \(other[place...])"
        }
        return nil
    }

    static func settings(
        _ topology: Topology, stepDeadline: Duration = .seconds(60)
    ) -> (inout EngineConfiguration) -> Void {
        { configuration in
            configuration.maxModelLength = 256
            configuration.maxSequences = 8
            configuration.maxBatchedTokens = 64
            configuration.topology = topology
            configuration.shift = .given(ShiftPolicy(.threshold(8)))
            configuration.cacheBytes = 64 << 20
            configuration.checksIntegrity = true
            configuration.stepDeadline = stepDeadline
        }
    }

    static let flags = [
        "--max-model-len", "256", "--max-num-seqs", "8", "--max-num-batched-tokens", "64",
        "--shift-parallel-threshold", "8", "--threads", "1", "--kv-cache-memory-bytes",
        "\(64 << 20)",
    ]

    static let layouts: [(folder: String, topology: Topology, flags: [String])] = [
        (Fixture.telemachus, Topology(sequence: 2), ["-sp", "2"]),
        (Fixture.telemachus, Topology(data: 2), ["-dp", "2"]),
        (
            Fixture.argus, Topology(data: 2, sequence: 2, expertGroup: .dataSequenceTensor),
            ["-dp", "2", "-sp", "2", "--enable-expert-parallel"]
        ),
    ]

    @Test("Killed in the middle of streams, again and again, it changes no token", arguments: 0..<3)
    func kills(layout: Int) throws {
        let (folder, topology, flags) = Self.layouts[layout]
        let ranks = try ApartRanks(folder, Self.flags + flags, Self.settings(topology))
        let engine = ranks.engine
        let requests = Self.requests(engine, 8, tokens: 30)
        let expected = try Self.tokens(engine, requests)
        #expect(engine.metrics.ranks.restarts == 0)
        var told = 0
        var kills = 0
        let disturbed = try Self.tokens(engine, requests) {
            told += 1
            // In the middle of prompts and of decodes: one step is worth ten outputs.
            guard told % 70 == 7, let child = ranks.child else { return }
            kill(child, SIGKILL)
            kills += 1
        }
        #expect(Self.difference(disturbed, expected) == nil, "\(ranks.log)")
        #expect(kills >= 3)
        #expect(engine.metrics.ranks.restarts >= 2, "\(ranks.log)")
        #expect(engine.metrics.ranks.areReady)
        #expect(ranks.log.contains { $0.contains("signal 9") }, "\(ranks.log)")
        try engine.stop()
        #expect(ranks.child == nil)
    }

    @Test("Stopped by SIGSTOP, it is killed at the deadline, and the stream goes on")
    func hang() throws {
        let ranks = try ApartRanks(
            Fixture.telemachus, Self.flags,
            Self.settings(Topology(), stepDeadline: .milliseconds(700)))
        let requests = Self.requests(ranks.engine, 3, tokens: 30)
        let expected = try Self.tokens(ranks.engine, requests)
        var told = 0
        let disturbed = try Self.tokens(ranks.engine, requests) {
            told += 1
            if told == 20, let child = ranks.child { kill(child, SIGSTOP) }
        }
        #expect(Self.difference(disturbed, expected) == nil, "\(ranks.log)")
        #expect(ranks.engine.metrics.ranks.restarts == 1, "\(ranks.log)")
        try ranks.engine.stop()
    }

    @Test("While a step does not end, the engine is not ready; when it ends after all, it is again")
    func stall() throws {
        let ranks = try ApartRanks(Fixture.telemachus, Self.flags) { configuration in
            Self.settings(Topology())(&configuration)
            configuration.stallDeadline = .milliseconds(300)
        }
        let engine = ranks.engine
        let requests = Self.requests(engine, 3, tokens: 30)
        let expected = try Self.tokens(engine, requests)
        let child = try #require(ranks.child)
        kill(child, SIGSTOP)
        let answers = Mutex<[[TokenID]]>([])
        let asking = spawn {
            answers.withLock { $0 = (try? Self.tokens(engine, requests)) ?? [] }
        }
        #expect(ApartRanks.await { !engine.metrics.ranks.areReady })
        kill(child, SIGCONT)
        pthread_join(asking, nil)
        #expect(Self.difference(answers.withLock { $0 }, expected) == nil)
        #expect(engine.metrics.ranks.areReady && engine.metrics.ranks.restarts == 0)
        try engine.stop()
    }

    @Test("Killed while nothing runs, it comes back, and is not ready meanwhile")
    func idle() throws {
        let ranks = try ApartRanks(Fixture.telemachus, Self.flags, Self.settings(Topology()))
        let engine = ranks.engine
        kill(try #require(ranks.child), SIGKILL)
        #expect(ApartRanks.await { !engine.metrics.ranks.areReady })
        // What is asked meanwhile waits, and what is cancelled meanwhile is gone.
        let request = Self.requests(engine, 1, tokens: 5)[0]
        let cancelled = try engine.submit(request) { _ in }
        engine.cancel(cancelled)
        #expect(try Self.tokens(engine, [request])[0].count == 5)
        #expect(engine.metrics.ranks.areReady && engine.metrics.ranks.restarts == 1)
        #expect(engine.metrics.finished[.cancelled] == 1)
        try engine.stop()
    }

    @Test("A first start that fails says why")
    func firstStart() throws {
        #expect("the cache is too small") {
            try ApartRanks(
                Fixture.telemachus, ["--kv-cache-memory-bytes", "1000"], Self.settings(Topology()))
        } throws: {
            "\($0)".contains("KV cache: --kv-cache-memory-bytes gives 1000")
        }
        let failed = try TernProcess.run(
            ["serve", Fixture.telemachus, "--port", "0", "--kv-cache-memory-bytes", "1000"])
        #expect(failed.status == 1)
        let last = failed.errors.split(separator: "\n").last ?? ""
        #expect(last.hasPrefix("tern: KV cache: --kv-cache-memory-bytes gives 1000"))
        #expect(throws: EngineError.self) {
            try Engine(
                EngineConfiguration(folder: Fixture.telemachus),
                ranks: .childProcess(RankCommand(executable: "/bin/false") { _ in [] }),
                report: { _ in })
        }
    }

    @Test(
        "The ranks' process does not outlive its server, however it ends",
        arguments: [SIGKILL, SIGTERM, SIGINT])
    func orphan(signal number: Int32) throws {
        let server = try TernProcess([
            "serve", Fixture.telemachus, "--port", "0", "--max-num-seqs", "4",
        ])
        _ = try #require(server.line(containing: "serving at "))
        let child = try #require(Processes.ranks(of: server.number))
        server.signal(number)
        let status = server.wait()
        #expect(status == (number == SIGTERM || number == SIGINT ? 0 : 128 + number))
        #expect(ApartRanks.await { !Processes.exists(child) })
    }

    @Test("A server whose ranks are killed goes on with the text it had, and says so")
    func server() throws {
        let server = try TernProcess([
            "serve", Fixture.telemachus, "--port", "0", "--max-num-seqs", "8", "-sp", "2",
            "--shift-parallel-threshold", "8",
        ])
        let line = try #require(server.line(containing: "serving at "))
        let port = try #require(line.split(separator: ":").last.flatMap { Int($0) })
        let client = HTTPClient(port: port)
        let body: JSON = [
            "model": "telemachus", "prompt": "Tell me, O Muse,", "max_tokens": 200,
            "ignore_eos": true, "seed": 7, "stream": true,
        ]
        func text() throws -> String {
            try client.post("/v1/completions", body).events.compactMap {
                $0["choices"]?.array?.first?["text"]?.string
            }.joined()
        }
        let expected = try text()
        #expect(expected.utf8.count > 200)
        let isOver = Mutex(false)
        let number = server.number
        let killer = spawn {
            while !isOver.withLock({ $0 }) {
                usleep(150_000)
                if let child = Processes.ranks(of: number) { kill(child, SIGKILL) }
                usleep(600_000)
            }
        }
        let disturbed = try text()
        isOver.withLock { $0 = true }
        pthread_join(killer, nil)
        #expect(disturbed == expected)
        #expect(try client.get("/health").status == 200)
        #expect(ApartRanks.await { (try? client.get("/ready").status) == 200 })
        server.signal(SIGTERM)
        #expect(server.wait() == 0)
    }
}
