import Glibc
import Synchronization
import TernJSON
import TernPlanning
import TernTesting
import TernText
import Testing

@testable import TernEngine
@testable import TernServer

/// A batch from file to file, with a scripted generator.
@Suite("Offline batches")
struct BatchTests {
    private let folder: TemporaryFolder
    private var input: String { folder.path + "/in.jsonl" }
    private var output: String { folder.path + "/out.jsonl" }

    init() throws { folder = try TemporaryFolder() }

    private func line(
        _ name: String, _ prompt: String, url: String = "/v1/completions", more: String = ""
    ) -> String {
        #"{"custom_id": "\#(name)", "method": "POST", "url": "\#(url)", "#
            + #""body": {"prompt": "\#(prompt)"\#(more)}}"#
    }

    private func write(_ lines: [String], to name: String = "in.jsonl") throws {
        try folder.write(name, lines.joined(separator: "\n").utf8)
    }

    @discardableResult
    private func run(_ generator: any Generator = ScriptedGenerator()) throws -> BatchProgress {
        let batch = try OfflineBatch(input: input, output: output)
        try batch.run(generator: generator, modelNames: ["test"])
        return batch.progress
    }

    /// The lines of the output, by name; no name may come twice.
    private func answers() throws -> [String: JSON] {
        let lines = try Fixture.bytes(output).split(separator: UInt8(ascii: "\n"))
        let pairs = try lines.map { line in
            let answer = try JSON(parsing: line)
            return (answer["custom_id"]?.string ?? "", answer)
        }
        #expect(Set(pairs.map(\.0)).count == pairs.count)
        return Dictionary(pairs) { first, _ in first }
    }

    private func text(_ answer: JSON?) -> JSON? {
        answer?["response"]?["body"]?["choices"]?.array?.first?["text"]
    }

    @Test("Every line gets what its endpoint would answer; order, blank lines and CRLF aside")
    func answersLines() throws {
        let chat =
            #"{"custom_id": "c", "method": "POST", "url": "/v1/chat/completions", "body": "#
            + #"{"messages": [{"role": "user", "content": "hi"}], "model": "test"}}"#
        try write([line("a", "one"), "", line("b", "two", more: #", "n": 2"#) + "\r", chat])
        let progress = try run()
        #expect(progress.answered == 3 && progress.refused == 0 && progress.share == 1)
        let answers = try answers()
        #expect(Set(answers.keys) == ["a", "b", "c"])
        #expect(text(answers["a"]) == "one")
        #expect(answers["b"]?["response"]?["body"]?["choices"]?.array?.count == 2)
        let body = answers["c"]?["response"]?["body"]
        #expect(body?["object"] == "chat.completion")
        #expect(body?["choices"]?.array?.first?["message"]?["content"] == "user:hi\n>")
        for answer in answers.values {
            #expect(answer["response"]?["status_code"] == 200 && answer["error"] == .null)
            #expect(answer["id"]?.string?.hasPrefix("batch_req_") == true)
        }
    }

    @Test("What is wrong with a line is its answer, and the others have theirs")
    func wrongLines() throws {
        try write([
            line("url", "x", url: "/v1/embeddings"), #"{"custom_id": "method"}"#,
            #"{"custom_id": "body", "method": "POST", "url": "/v1/completions"}"#,
            line("stream", "x", more: #", "stream": true"#),
            line("model", "x", more: #", "model": "other""#),
            line("field", "x", more: #", "temperature": -1"#), line("good", "x"),
        ])
        let progress = try run()
        #expect(progress.answered == 7 && progress.refused == 6)
        let answers = try answers()
        #expect(text(answers["good"]) == "x")
        let expected: [(String, JSON, String)] = [
            ("url", 404, "url: found \"/v1/embeddings\""), ("method", 400, "method: found nothing"),
            ("body", 400, "body: found nothing"), ("stream", 400, "stream: found true"),
            ("model", 404, "The model `other`"), ("field", 400, "temperature: found -1"),
        ]
        for (name, status, message) in expected {
            let answer = answers[name]
            #expect(answer?["response"]?["status_code"] == status, "\(name)")
            let told = answer?["error"]?["message"]
            #expect(told?.string?.hasPrefix(message) == true, "\(name): \(told?.text() ?? "")")
            #expect(answer?["response"]?["body"]?["error"]?["message"] == told)
            #expect(answer?["error"]?["code"]?.string != nil)
        }
    }

    @Test("An output with whole lines and a torn one is gone on with, whatever the tear")
    func resumes() throws {
        let names = (0..<6).map { "r\($0)" }
        try write(names.map { line($0, "text of \($0)") })
        try run()
        let whole = try Fixture.bytes(output)
        let expected = try answers().mapValues(text)
        let ends = whole.indices.filter { whole[$0] == UInt8(ascii: "\n") }.map { $0 + 1 }
        for cut in [0, 1, 20, ends[0] - 1, ends[0], ends[2] + 3, ends[2] + 100, whole.count] {
            try folder.write("out.jsonl", whole[..<cut])
            let kept = ends.count { $0 <= cut }
            let generator = ScriptedGenerator()
            let progress = try run(generator)
            #expect(progress.resumed == kept && progress.answered == 6 - kept, "cut at \(cut)")
            #expect(generator.started == 6 - kept)
            #expect(try answers().mapValues(text) == expected)
            #expect(
                try Fixture.bytes(output).starts(with: whole[..<(ends.last { $0 <= cut } ?? 0)]))
        }
    }

    @Test("A batch whose lines cannot be told apart is refused with file and line")
    func refusesInput() throws {
        let cases: [([String], String)] = [
            (
                [line("a", "x"), line("b", "x"), line("a", "y")],
                "in.jsonl:3: found custom_id \"a\" of line 1"
            ),
            ([line("a", "x"), "{"], "in.jsonl:2: expected a JSON object with a custom_id"),
            ([#"{"custom_id": 7}"#], "in.jsonl:1: custom_id: found 7"), (["[]"], "in.jsonl:1: "),
        ]
        for (lines, message) in cases {
            try write(lines)
            #expect("\(message)") { try run() } throws: { "\($0)".contains(message) }
        }
        #expect(access(output, F_OK) != 0)
        // To Swift these two are one string.
        try write([line("caf\u{E9}", "x"), line("cafe\u{301}", "x")])
        #expect(try run().answered == 2)
        #expect(throws: BatchError.self) { try OfflineBatch(input: folder.path, output: output) }
    }

    @Test("A file that holds anything else is refused and not touched")
    func refusesOutput() throws {
        try write([line("a", "x")])
        let other = #"{"id":"batch_req_0","custom_id":"z","response":{}}"# + "\n"
        for content in ["notes\n", "notes", "{\"custom_id\":\"a\"}\n", "{}", other] {
            try folder.write("out.jsonl", content.utf8)
            #expect("\(content)") { try run() } throws: { "\($0)".contains("out.jsonl:1: found") }
            #expect(try Fixture.bytes(output) == Array(content.utf8))
        }
    }

    @Test("Two runs never write one output")
    func locks() throws {
        try write([line("a", "x")])
        let first = try OfflineBatch(input: input, output: output)
        #expect("locked") {
            try OfflineBatch(input: input, output: output)
        } throws: { "\($0)".contains("another run writes it") }
        #expect(first.progress.requests == 1)
    }

    @Test("When the engine fails, what it failed at has no answer and the next run gives it")
    func engineFails() throws {
        try write((0..<5).map { line("r\($0)", $0 == 3 ? "fatal" : "text") })
        let generator = ScriptedGenerator { request in
            guard request.prompt.contains(102) else { return ScriptedGenerator.echo(request) }
            return [.failed(EngineError(.failed, "rank 1 is gone"))]
        }
        #expect("failure") { try run(generator) } throws: { "\($0)".contains("rank 1 is gone") }
        let answered = try answers().count
        #expect(answered < 5)
        let progress = try run()
        #expect(progress.resumed == answered && progress.answered == 5 - answered)
        #expect(try answers().values.allSatisfy { $0["error"] == .null })
    }

    @Test("An engine that takes no more ends the batch; the next run gives what is left")
    func engineIsGone() throws {
        try write([line("a", "x"), line("b", "x", more: #", "stop": "unavailable""#)])
        #expect("refusal") { try run() } throws: { "\($0)".contains("the queue is full") }
        #expect(try answers()["b"] == nil)
    }

    @Test("A refused output closes its own file and nobody else's")
    func closesOnce() throws {
        try write([line("a", "x")])
        let input = try BatchInput(path: input)
        let holder = try BatchOutput(path: output, of: input)
        // Another thread's files have just the numbers that a second close would hit.
        let state = Mutex((isOver: false, lost: 0))
        let thread = spawn {
            while !state.withLock({ $0.isOver }) {
                let descriptor = open("/dev/null", O_RDONLY)
                sched_yield()
                if fcntl(descriptor, F_GETFD) < 0 { state.withLock { $0.lost += 1 } }
                close(descriptor)
            }
        }
        for _ in 0..<2000 {
            #expect(throws: BatchError.self) { try BatchOutput(path: output, of: input) }
        }
        state.withLock { $0.isOver = true }
        pthread_join(thread, nil)
        #expect(state.withLock { $0.lost } == 0)
        withExtendedLifetime(holder) {}
    }

    @Test("A line longer than a request may be is refused with file and line")
    func longLine() throws {
        let folder = try TemporaryFolder()
        try folder.write("lines", "short\nand a longer one\n".utf8)
        let descriptor = open(folder.path + "/lines", O_RDONLY)
        defer { close(descriptor) }
        var reader = LineReader(descriptor, path: "lines", limitBytes: 5)
        #expect(try reader.next()?.bytes == Array("short".utf8))
        #expect("long") { try reader.next() } throws: {
            "\($0)".hasPrefix("lines:2: found more than 5 bytes")
        }
    }

    @Test("However long the file, a bounded number of choices is in flight")
    func boundsFlight() throws {
        try write((0..<40).map { line("r\($0)", "x", more: #", "n": 64"#) })
        let flight = Flight()
        try run(flight)
        #expect(try answers().count == 40)
        // Choices may end while others are still entered.
        #expect(flight.most > 7 * 64 - 64 && flight.most <= 8 * 64, "\(flight.most)")
    }
}

/// Passes everything on to a scripted generator, and counts the choices in flight.
private final class Flight: Generator {
    private let scripted = ScriptedGenerator()
    private let counts = Mutex((open: 0, most: 0))

    let maxModelLength = 256
    var metrics: EngineMetrics { EngineMetrics() }
    let vocabularySize = 257
    var failure: EngineError? { nil }
    var isReady: Bool { true }
    var most: Int { counts.withLock { $0.most } }
    var shiftPolicy: ShiftPolicy { scripted.shiftPolicy }

    func steps(after number: UInt64, atMost limit: Int) -> RecentSteps {
        scripted.steps(after: number, atMost: limit)
    }

    func tokens(of text: String, addSpecialTokens: Bool) throws -> [TokenID] {
        try scripted.tokens(of: text, addSpecialTokens: addSpecialTokens)
    }
    func text(of tokens: [TokenID]) throws -> String { try scripted.text(of: tokens) }
    func bytes(of token: TokenID) -> [UInt8] { scripted.bytes(of: token) }
    func chatPrompt(
        messages: JSON, tools: JSON?, addGenerationPrompt: Bool, continuesFinalMessage: Bool,
        kwargs: JSONObject
    ) throws -> [TokenID] { [] }
    var toolCallFamily: ToolCallFamily { .bare }
    func grammar(_ form: GrammarForm) throws(GrammarError) -> GrammarSource {
        try scripted.grammar(form)
    }
    func defaultParameters(maxTokens: Int) -> SamplingParameters {
        scripted.defaultParameters(maxTokens: maxTokens)
    }

    func start(
        _ request: GenerationRequest, deliver: @escaping @Sendable (GenerationEvent) -> Void
    ) throws(EngineError) -> @Sendable () -> Void {
        counts.withLock { counts in
            counts.open += request.choices
            counts.most = max(counts.most, counts.open)
        }
        return try scripted.start(request) { [self] event in
            if case .output(let output) = event, output.finish != nil {
                counts.withLock { $0.open -= 1 }
            }
            deliver(event)
        }
    }
}
