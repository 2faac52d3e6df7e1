import Glibc
import Synchronization
import TernEngine
import TernPlanning
import TernTesting
import Testing

/// Requests that break the ranks that compute them, which are then started again.
@Suite("Requests that break ranks", .serialized)
struct PoisonTests {
    private func ranks() throws -> ApartRanks {
        try ApartRanks(
            Fixture.telemachus, program: TernProcess.executable("FaultyRanks"),
            words: { folder, cache in [folder, "\(getpid())", "\(cache)", "500"] }
        ) { configuration in
            configuration.maxModelLength = 256
            configuration.maxSequences = 8
            configuration.maxBatchedTokens = 64
            configuration.cacheBytes = 16 << 20
            configuration.checksIntegrity = true
            configuration.stepDeadline = .milliseconds(500)
        }
    }

    /// A prompt none of whose tokens is a fault's, but for a last one that is given.
    private func request(_ engine: Engine, _ salt: Int, fault: TokenID? = nil) -> GenerationRequest
    {
        var parameters = engine.defaultParameters(maxTokens: 40)
        (parameters.temperature, parameters.seed) = (salt % 2 == 0 ? 0 : 1, UInt64(salt))
        parameters.ignoreEOS = true
        parameters.adjustments.badWords = [[297], [298], [299]]
        let prompt = (0..<8 + 5 * salt).map { TokenID(400 + ($0 * 7 + salt * 31) % 500) }
        return GenerationRequest(
            prompt: prompt + (fault.map { [$0] } ?? []), parameters: parameters)
    }

    @Test(
        "A crash, a failed allocation and a hang end the request that is to blame, and no other",
        arguments: [299, 298, 297] as [TokenID])
    func poison(fault: TokenID) throws {
        let ranks = try ranks()
        let engine = ranks.engine
        let innocents = (0..<5).map { request(engine, $0) }
        var expected = Array(repeating: [TokenID](), count: innocents.count)
        try engine.generate(innocents) { expected[$0] += $1.tokens.map(\.token) }
        // The culprit comes when the others are under way, so that it is never alone in a plan.
        var answers = Array(repeating: [TokenID](), count: innocents.count)
        var told = 0
        let culprit = request(engine, 1, fault: fault)
        let outcome = Mutex<[FinishReason]>([])
        try engine.generate(innocents) { index, output in
            told += 1
            if told == 25 {
                _ = try engine.submit(culprit) { event in
                    if case .output(let output) = event, let finish = output.finish {
                        outcome.withLock { $0.append(finish) }
                    }
                }
            }
            answers[index] += output.tokens.map(\.token)
            #expect(output.finish != .failed, "request \(index): \(ranks.log)")
        }
        #expect(answers == expected)
        #expect(ApartRanks.await { !outcome.withLock { $0.isEmpty } })
        #expect(outcome.withLock { $0 } == [.failed])
        #expect(engine.metrics.finished[.failed] == 1)
        #expect(ApartRanks.await { engine.metrics.ranks.areReady })
        // A chunk of its prompt may have come further at the second end than at the first.
        #expect((3...4).contains(engine.metrics.ranks.restarts), "\(ranks.log)")
        // The engine goes on.
        var later: [TokenID] = []
        try engine.generate([innocents[3]]) { later += $1.tokens.map(\.token) }
        #expect(later == expected[3])
        try engine.stop()
    }
}
