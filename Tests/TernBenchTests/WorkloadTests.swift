import TernBench
import TernPlanning
import Testing

@Suite("Workload")
struct WorkloadTests {
    @Test("Prompts are the same for the same seed, and differ by seed and by request")
    func prompts() {
        let workload = Workload(count: 2, promptTokens: 1000, outputTokens: 1)
        let prompt = workload.prompt(of: 0, vocabularySize: 50, seed: 7)
        #expect(prompt == workload.prompt(of: 0, vocabularySize: 50, seed: 7))
        #expect(prompt != workload.prompt(of: 1, vocabularySize: 50, seed: 7))
        #expect(prompt != workload.prompt(of: 0, vocabularySize: 50, seed: 8))
        #expect(prompt.count == 1000)
        // A die of 50 sides misses one of them in 1000 throws with a chance below 1e-7.
        #expect(Set(prompt) == Set((0..<50).map { TokenID($0) }))
    }

    @Test("Scales multiply arrivals and lengths, and leave no request empty")
    func scales() {
        let workload = Workload([
            .init(promptTokens: 100, outputTokens: 3),
            .init(promptTokens: 10, outputTokens: 50, arrival: 4),
        ])
        #expect(
            workload.scaled(time: 0.5, length: 0.1)
                == Workload([
                    .init(promptTokens: 10, outputTokens: 1),
                    .init(promptTokens: 1, outputTokens: 5, arrival: 2),
                ]))
        #expect(workload.scaled(time: 0, length: 1).requests.map(\.arrival) == [0, 0])
        #expect(workload.scaled(time: 1, length: 1) == workload)
    }
}
