import Glibc
import Synchronization
import TernJSON
import TernPlanning
import TernTesting
import TernText
import Testing

@testable import TernEngine
@testable import TernServer

@Suite("A server with too much to do", .serialized)
struct ServerOverloadTests {
    @Test("A full queue of the engine is 429, with the time to come back")
    func queueFull() {
        let error = APIError(EngineError(.overloaded, "queue: 2 requests wait"))
        #expect(error.status == .tooManyRequests)
        #expect(error.headers == [HTTPHeader("Retry-After", "1")])
        #expect(error.json["error"]?["type"] == "rate_limit_exceeded")
        #expect(error.json["error"]?["code"] == "queue_full")
    }

    @Test("Requests that wait to be read are bounded by number, and those taken are answered")
    func unreadRequests() throws {
        try withServer(configure: { $0.limits.unreadRequests = 2 }) { _, port in
            let clients = try (0..<5).map { index in
                let client = try TestClient(port: port)
                client.sendPost("/tokenize", #"{"prompt": "slow\#(index)"}"#)
                // Each arrives before the next: the first is read for 300 ms.
                usleep(10_000)
                return client
            }
            let answers = try clients.map { try $0.answer() }
            #expect(answers.map(\.status) == [200, 200, 429, 429, 429])
            #expect(answers[4]["Retry-After"] == "1")
            let later = try TestClient(port: port).post("/tokenize", #"{"prompt": "a"}"#)
            #expect(later.status == 200)
        }
    }

    @Test("They are bounded by bytes too, but one alone may be large")
    func unreadBytes() throws {
        try withServer(configure: { $0.limits.unreadBytes = 1000 }) { _, port in
            let large = #"{"prompt": "slow", "x": "\#(String(repeating: " ", count: 1000))"}"#
            let first = try TestClient(port: port)
            first.sendPost("/tokenize", large)
            usleep(10_000)
            let second = try TestClient(port: port)
            second.sendPost("/tokenize", large)
            #expect(try second.answer().status == 429)
            #expect(try first.answer().status == 200)
        }
    }

    @Test(
        "A thousand idle streams take less than 13 KiB each, clients and all: 64 MiB for five thousand"
    )
    func idleStreams() throws {
        let streams = 1000
        let bound = 13 * 1024 * streams
        let rounds = min(3, (DescriptorLimit.raise() - 101) / (2 * streams))
        guard rounds > 0 else { return }
        try withServer(WaitingGenerator()) { _, port in
            func open(_ count: Int) throws -> [TestClient] {
                try (0..<count).map { _ in
                    let client = try TestClient(port: port)
                    client.sendPost("/v1/completions", #"{"prompt": "a", "stream": true}"#)
                    _ = try client.take(through: "data: ")
                    return client
                }
            }
            let warm = try open(100)
            // The clients of this test, and other tests beside it, are counted too: what these take
            // meanwhile is no stream's, so the least of three thousands counts. All stay open, that
            // none uses the memory of another. The server alone is measured by
            // Tools/measure-server.py.
            var clients: [TestClient] = []
            var growths: [Int] = []
            while growths.count < rounds && growths.allSatisfy({ $0 >= bound }) {
                let before = try residentBytes()
                clients += try open(streams)
                growths.append(try residentBytes() - before)
            }
            print("resident bytes an idle stream: \(growths.map { $0 / streams })")
            #expect(growths.contains { $0 < bound }, "\(growths)")
            #expect(clients.count == streams * growths.count && warm.count == 100)
        }
    }

    private func residentBytes() throws -> Int {
        let text = String(decoding: try Fixture.bytes("/proc/self/statm"), as: UTF8.self)
        let pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        return pages * Int(getpagesize())
    }
}

/// Gives each request one token, and then lets it wait for ever.
private final class WaitingGenerator: Generator {
    private let scripted = ScriptedGenerator()

    let maxModelLength = 256
    let vocabularySize = 257
    var failure: EngineError? { nil }
    var isReady: Bool { true }
    var metrics: EngineMetrics { EngineMetrics() }
    var shiftPolicy: ShiftPolicy { scripted.shiftPolicy }
    var toolCallFamily: ToolCallFamily { scripted.toolCallFamily }

    func steps(after number: UInt64, atMost limit: Int) -> RecentSteps {
        scripted.steps(after: number, atMost: limit)
    }
    func grammar(_ form: GrammarForm) throws(GrammarError) -> GrammarSource {
        try scripted.grammar(form)
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
    func defaultParameters(maxTokens: Int) -> SamplingParameters {
        scripted.defaultParameters(maxTokens: maxTokens)
    }

    func start(
        _ request: GenerationRequest, deliver: @escaping @Sendable (GenerationEvent) -> Void
    ) throws(EngineError) -> @Sendable () -> Void {
        deliver(ScriptedGenerator.output(0, text: "a", token: 97))
        return {}
    }
}
