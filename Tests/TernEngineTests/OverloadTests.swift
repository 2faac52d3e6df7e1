import Glibc
import Synchronization
import TernEngine
import TernPlanning
import TernTesting
import Testing

@Suite("An engine with too much to do", .serialized)
struct OverloadTests {
    /// Holds the engine's loop inside a delivery, so that what is submitted meanwhile waits.
    private final class Brake: Sendable {
        private let state = Mutex((isHeld: false, isReleased: false))

        func hold() {
            state.withLock { $0.isHeld = true }
            while !state.withLock({ $0.isReleased }) { usleep(500) }
        }
        func awaitHeld() { while !state.withLock({ $0.isHeld }) { usleep(500) } }
        func release() { state.withLock { $0.isReleased = true } }
    }

    /// An engine whose loop stands still, with a request that runs.
    private func held(_ limits: QueueLimits) throws -> (Engine, Brake) {
        let engine = try Engine.tiny { $0.queue = limits }
        let brake = Brake()
        let request = GenerationRequest(prompt: tokens(4), parameters: engine.greedy(2))
        _ = try engine.submit(request) { event in
            if case .output(let output) = event, output.finish == nil { brake.hold() }
        }
        brake.awaitHeld()
        return (engine, brake)
    }

    private func refusal(_ engine: Engine, _ request: GenerationRequest) -> EngineError? {
        do throws(EngineError) {
            _ = try engine.submit(request) { _ in }
            return nil
        } catch {
            return error
        }
    }

    @Test("Beyond the bound of requests the next is refused, and taken again when one has begun")
    func requests() throws {
        let (engine, brake) = try held(QueueLimits(requests: 2, promptTokens: 1000))
        let request = GenerationRequest(prompt: tokens(4), parameters: engine.greedy(2))
        #expect(refusal(engine, request) == nil)
        #expect(refusal(engine, request) == nil)
        let third = refusal(engine, request)
        #expect(third?.kind == .overloaded)
        #expect(third?.message.contains("2 requests wait") == true)
        brake.release()
        _ = try engine.answerWhenTaken(request)
        #expect(engine.metrics.finished[.length] == 4)
        try engine.stop()
    }

    @Test("Beyond the bound of prompt tokens too, but a single long prompt is taken")
    func promptTokens() throws {
        let (engine, brake) = try held(QueueLimits(requests: 100, promptTokens: 30))
        let long = GenerationRequest(prompt: tokens(40), parameters: engine.greedy(2))
        let short = GenerationRequest(prompt: tokens(4), parameters: engine.greedy(2))
        #expect(refusal(engine, long) == nil)
        #expect(refusal(engine, short)?.kind == .overloaded)
        brake.release()
        _ = try engine.answerWhenTaken(short)
        try engine.stop()
    }

    @Test("A request whose client leaves gives its place back, though it never ran")
    func cancelled() throws {
        let (engine, brake) = try held(QueueLimits(requests: 1, promptTokens: 1000))
        let request = GenerationRequest(prompt: tokens(4), parameters: engine.greedy(2))
        let id = try engine.submit(request) { _ in }
        engine.cancel(id)
        #expect(refusal(engine, request)?.kind == .overloaded)
        brake.release()
        _ = try engine.answerWhenTaken(request)
        #expect(engine.metrics.finished == [.length: 2, .cancelled: 1])
        try engine.stop()
    }

    @Test("A flood of long prompts slows decodes to a token a step, and stops none")
    func fairness() throws {
        let engine = try Engine.tiny {
            $0.maxBatchedTokens = 16
            $0.enablesPrefixCaching = false
        }
        let short = GenerationRequest(prompt: tokens(4), parameters: engine.greedy(40))
        let floods = (0..<12).map {
            GenerationRequest(prompt: tokens(200, salt: $0), parameters: engine.greedy(1))
        }
        // Told on the loop's thread, before the next step.
        let stepsAtEnd = Mutex(0)
        _ = try engine.submit(short) { event in
            guard case .output(let output) = event, output.finish != nil else { return }
            stepsAtEnd.withLock { $0 = engine.metrics.steps }
        }
        _ = try engine.answers(floods)
        // 12 prompts of 200 tokens are 150 steps of 16 and more; the short one has a token of each of
        // the first 40.
        #expect(stepsAtEnd.withLock { $0 } == 40)
        #expect(engine.metrics.steps > 150)
        try engine.stop()
    }

    @Test("A client that leaves is in no plan after the next")
    func leaving() throws {
        let engine = try Engine.tiny { $0.enablesPrefixCaching = false }
        let stays = GenerationRequest(prompt: tokens(4), parameters: engine.greedy(30))
        let leaves = GenerationRequest(prompt: tokens(5), parameters: engine.greedy(200))
        let brake = Brake()
        let heard = Mutex(0)
        let id = try engine.submit(leaves) { _ in
            let count = heard.withLock { heard in
                heard += 1
                return heard
            }
            if count == 3 { brake.hold() }
        }
        brake.awaitHeld()
        engine.cancel(id)
        brake.release()
        _ = try engine.answer(stays)
        #expect(heard.withLock { $0 } == 3)
        // Three steps with it, thirty with the other.
        #expect(engine.metrics.computedTokens == 5 + 2 + 4 + 29)
        try engine.stop()
    }
}

extension Engine {
    /// The answer to a request that is entered as soon as the queue has room.
    fileprivate func answerWhenTaken(_ request: GenerationRequest) throws -> Answer {
        for _ in 0..<10_000 {
            do {
                return try answer(request)
            } catch let error as EngineError where error.kind == .overloaded {
                usleep(1000)
            }
        }
        throw EngineError(.overloaded, "the queue stayed full")
    }
}
