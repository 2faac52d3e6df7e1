import Glibc
import TernPlanning
import Testing

@testable import TernEngine

@Suite("Sampler")
struct SamplerTests {
    /// Logits whose probabilities are 0.4, 0.3, 0.2 and 0.1, not in the order of ids.
    private let probabilities: [Float] = [0.1, 0.4, 0.2, 0.3]

    /// How often each token is drawn at so many positions.
    private func counts(
        _ probabilities: [Float], draws: Int = 4000, _ change: (inout SamplingParameters) -> Void
    ) -> [Int] {
        var parameters = SamplingParameters(seed: 11, maxTokens: draws)
        change(&parameters)
        var sampler = Sampler(vocabularySize: probabilities.count)
        var counts = Array(repeating: 0, count: probabilities.count)
        var logits = probabilities.map { logf($0) + 3 }
        for position in 0..<draws {
            let step = SamplingStep(
                parameters: parameters, choice: 0, position: position, forbidsStop: false)
            let token = logits.withUnsafeMutableBufferPointer { sampler.draw($0, step, for: 0) }
            counts[Int(token.token.rawValue)] += 1
        }
        return counts
    }

    /// Whether counts are near the shares that they should have: five standard deviations.
    private func fits(_ counts: [Int], _ shares: [Float]) -> Bool {
        let draws = Float(counts.reduce(0, +))
        return zip(counts, shares).allSatisfy { count, share in
            abs(Float(count) - share * draws) <= 5 * sqrtf(draws * share * (1 - share))
        }
    }

    @Test("Tokens are drawn as often as the model's probabilities say")
    func distribution() {
        #expect(fits(counts(probabilities) { _ in }, probabilities))
    }

    @Test("Temperature sharpens and flattens the distribution")
    func temperature() {
        func shares(_ temperature: Float) -> [Float] {
            let powers = probabilities.map { powf($0, 1 / temperature) }
            return powers.map { $0 / powers.reduce(0, +) }
        }
        for temperature: Float in [0.5, 2] {
            #expect(
                fits(counts(probabilities) { $0.temperature = temperature }, shares(temperature)))
        }
    }

    @Test("top_k keeps the best k, top_p the fewest that reach p, min_p the likely ones")
    func restrictions() {
        let two: [Float] = [0, 4 / 7, 0, 3 / 7]
        let three: [Float] = [0, 4 / 9, 2 / 9, 3 / 9]
        #expect(fits(counts(probabilities) { $0.topK = 2 }, two))
        #expect(fits(counts(probabilities) { $0.topP = 0.65 }, two))
        #expect(fits(counts(probabilities) { $0.topP = 0.75 }, three))
        #expect(fits(counts(probabilities) { $0.minP = 0.6 }, two))
        #expect(fits(counts(probabilities) { $0.minP = 0.4 }, three))
        #expect(counts(probabilities) { $0.topK = 1 } == [0, 4000, 0, 0])
        #expect(counts(probabilities) { $0.topP = 0.01 } == [0, 4000, 0, 0])
        #expect(fits(counts(probabilities) { $0.topK = 400 }, probabilities))
    }

    @Test("top_p counts within what top_k keeps")
    func topPWithinTopK() {
        // Of the three best, 0.4 and 0.3 are 0.77; of all four they are 0.7.
        let kept = counts(probabilities) {
            $0.topK = 3
            $0.topP = 0.75
        }
        #expect(fits(kept, [0, 4 / 7, 0, 3 / 7]))
    }

    @Test("top_p finds its tokens beyond the first few hundred")
    func wideTopP() {
        let flat = Array(repeating: Float(1) / 600, count: 600)
        let kept = counts(flat, draws: 600) { $0.topP = 0.5 }
        // Of equals the lower ids come first.
        #expect(kept[302...].allSatisfy { $0 == 0 })
        #expect(kept[..<298].count { $0 > 0 } > 200)
    }

    @Test("At temperature 0 the best token is taken, of equals the lower id")
    func greedy() {
        #expect(counts([0.2, 0.4, 0.4], draws: 10) { $0.temperature = 0 } == [0, 10, 0])
    }

    @Test("Logprobs are the model's own, before temperature and masks, and top is sorted")
    func logprobs() throws {
        var parameters = SamplingParameters(
            temperature: 0.01, seed: 1, logprobs: 3, maxTokens: 9, stopTokenIDs: [1])
        parameters.topK = 1
        let step = SamplingStep(parameters: parameters, choice: 0, position: 0, forbidsStop: true)
        var sampler = Sampler(vocabularySize: 4)
        var logits = probabilities.map { logf($0) - 7 }
        let drawn = logits.withUnsafeMutableBufferPointer { sampler.draw($0, step, for: 0) }
        #expect(drawn.token == 3, "1 is best but must not be drawn yet")
        #expect(drawn.top.map(\.token) == [1, 3, 2])
        for (entry, probability) in zip(drawn.top, [0.4, 0.3, 0.2] as [Float]) {
            #expect(abs(entry.logprob - logf(probability)) < 1e-5)
        }
        #expect(abs(try #require(drawn.logprob) - logf(0.3)) < 1e-5)
    }

    @Test("A draw depends on seed, choice and position, and on nothing else")
    func counterRandom() {
        let keys = (0..<4).flatMap { seed in
            (0..<4).flatMap { choice in (0..<64).map { (UInt64(seed), choice, $0) } }
        }
        let numbers = keys.map { CounterRandom.uniform(seed: $0, choice: $1, position: $2) }
        #expect(Set(numbers).count == numbers.count)
        #expect(numbers.allSatisfy { (0..<1).contains($0) })
        let mean = numbers.reduce(0, +) / Double(numbers.count)
        #expect(abs(mean - 0.5) < 0.05)
        #expect(numbers == keys.map { CounterRandom.uniform(seed: $0, choice: $1, position: $2) })
    }
}
