import Glibc
import Synchronization
import TernEngine
import TernParallel
import TernPlanning
import TernTesting
import Testing

@Suite("The engine's life", .serialized)
struct EngineLifeTests {
    @Test("A request that cannot be served is refused, with the field and the numbers")
    func refusals() throws {
        let engine = try Engine.tiny { $0.maxModelLength = 64 }
        var cases: [(GenerationRequest, String)] = []
        func add(_ message: String, _ change: (inout GenerationRequest) -> Void) {
            var request = GenerationRequest(prompt: tokens(4), parameters: engine.greedy(8))
            change(&request)
            cases.append((request, message))
        }
        add("temperature is -1.0") { $0.parameters.temperature = -1 }
        add("top_p is 0.0") { $0.parameters.topP = 0 }
        add("n is 129") { $0.choices = 129 }
        add("token id 131 is not in the vocabulary of 131") { $0.prompt = [131] }
        add("token id -1 is not") { $0.prompt = [-1] }
        add("stop_token_ids: token id 500 is not") { $0.parameters.stopTokenIDs = [500] }
        add("the prompt has no tokens") { $0.prompt = [] }
        add("64 tokens; the model's length of 64 allows at most 63") { $0.prompt = tokens(64) }
        for (request, message) in cases {
            #expect("\(message)") {
                try engine.answer(request)
            } throws: { error in
                "\(error)".contains(message)
            }
        }
        #expect(
            try engine.answer(
                GenerationRequest(prompt: tokens(4), parameters: engine.greedy(8))
            ).tokens.count == 8)
        try engine.stop()
    }

    @Test("A cancelled request gives its blocks back and hears nothing more")
    func cancel() throws {
        let engine = try Engine.tiny { $0.enablesPrefixCaching = false }
        let heard = Mutex(0)
        let cancelled = Mutex(false)
        let request = GenerationRequest(prompt: tokens(10), parameters: engine.greedy(240))
        // The engine waits inside the third delivery until the cancellation is on its way.
        let id = try engine.submit(request) { _ in
            let count = heard.withLock { heard in
                heard += 1
                return heard
            }
            while count == 3 && !cancelled.withLock({ $0 }) { usleep(1000) }
        }
        engine.cancel(id)
        cancelled.withLock { $0 = true }
        // The next request is planned after the cancellation was taken in.
        _ = try engine.answer(GenerationRequest(prompt: tokens(5), parameters: engine.greedy(3)))
        let counts = try #require(engine.metrics.scheduler)
        #expect(counts.running == 0 && counts.usedBlocks == 0)
        #expect(engine.metrics.finished[.cancelled] == 1)
        #expect(heard.withLock { $0 } <= 3)
        try engine.stop()
    }

    @Test("A bound on tokens that no number can double is none, on several replicas too")
    func unboundedTokens() throws {
        let engine = try Engine.tiny { $0.topology = Topology(data: 2) }
        var request = GenerationRequest(prompt: tokens(250), parameters: engine.greedy(.max))
        request.choices = 2
        let answers = try engine.answers([request, request, request])
        #expect(answers.flatMap { $0 }.allSatisfy { $0.tokens.count == 6 && $0.finish == .length })
        try engine.stop()
    }

    @Test("A stop ends requests that run, and later ones are refused")
    func stop() throws {
        let engine = try Engine.tiny()
        let ended = Mutex<EngineError?>(nil)
        let request = GenerationRequest(prompt: tokens(10), parameters: engine.greedy(240))
        _ = try engine.submit(request) { event in
            if case .failed(let error) = event { ended.withLock { $0 = error } }
        }
        try engine.stop()
        #expect(ended.withLock { $0?.kind } == .unavailable)
        #expect(throws: EngineError.self) { try engine.submit(request) { _ in } }
    }

    @Test("A replica that does not stop in time does not keep the others from it")
    func stopOfAll() throws {
        var hardware = EngineHardware.test
        hardware.communicator = { inner in
            inner.rank == 1 ? FaultyCommunicator(inner, at: 3, .delay(.seconds(1))) : inner
        }
        let engine = try Engine.tiny(on: hardware) { $0.topology = Topology(data: 2, tensor: 2) }
        let ended = Mutex<EngineError?>(nil)
        let request = GenerationRequest(prompt: tokens(10), parameters: engine.greedy(240))
        _ = try engine.submit(request) { _ in }
        _ = try engine.submit(request) { event in
            usleep(2000)
            if case .failed(let error) = event { ended.withLock { $0 = error } }
        }
        #expect(throws: EngineError.self) { try engine.stop(within: .milliseconds(100)) }
        #expect(ended.withLock { $0?.kind } == .unavailable)
        try engine.stop(within: .seconds(30))
    }

    @Test("Engines started and stopped leave no thread and no descriptor behind")
    func restarts() throws {
        func started() throws {
            let engine = try Engine.tiny { $0.topology = Topology(pipeline: 2, sequence: 2) }
            _ = try engine.answer(
                GenerationRequest(prompt: tokens(3), parameters: engine.greedy(2)))
            try engine.stop()
        }
        try started()
        let threads = TemporaryFolder.names(in: "/proc/self/task").count
        let files = TemporaryFolder.names(in: "/proc/self/fd").count
        for _ in 0..<100 { try started() }
        // Other tests of this process start and end threads meanwhile, far fewer than 100.
        #expect(TemporaryFolder.names(in: "/proc/self/task").count < threads + 60)
        #expect(TemporaryFolder.names(in: "/proc/self/fd").count < files + 60)
    }

    @Test("A cache that is too small says how much one sequence needs")
    func smallCache() {
        #expect("too small") {
            try Engine.tiny { $0.cacheBytes = 1000 }
        } throws: { error in
            "\(error)".contains("--kv-cache-memory-bytes gives 1000")
                && "\(error)".contains("bytes: give more memory or lower --max-model-len")
        }
    }
}
