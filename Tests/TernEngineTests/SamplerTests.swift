import Glibc
import TernCPU
import TernPlanning
import TernTensor
import Testing

@testable import TernEngine

/// A row of logits.
func row(_ logits: [Float]) throws -> Tensor {
    let tensor = try Tensor(zeros: [logits.count])
    tensor.withElements(of: Float.self) { _ = $0.update(fromContentsOf: logits) }
    return tensor
}

@Suite("Sampler")
struct SamplerTests {
    /// Logits whose probabilities are 0.4, 0.3, 0.2 and 0.1, not in the order of ids.
    private let probabilities: [Float] = [0.1, 0.4, 0.2, 0.3]

    /// How often each token is drawn at so many positions.
    private func counts(
        _ probabilities: [Float], draws: Int = 4000, _ change: (inout SamplingParameters) -> Void
    ) throws -> [Int] {
        var parameters = SamplingParameters(seed: 11, maxTokens: draws)
        change(&parameters)
        var sampler = try Sampler(
            vocabularySize: probabilities.count, on: CPUBackend(processors: [0], pins: false))
        var counts = Array(repeating: 0, count: probabilities.count)
        let logits = try row(probabilities.map { logf($0) + 3 })
        for position in 0..<draws {
            let step = SamplingStep(
                parameters: parameters, choice: 0, position: position, forbidsStop: false)
            let token = sampler.draw(logits, step, for: 0)
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
    func distribution() throws {
        #expect(try fits(counts(probabilities) { _ in }, probabilities))
    }

    @Test("Temperature sharpens and flattens the distribution")
    func temperature() throws {
        func shares(_ temperature: Float) -> [Float] {
            let powers = probabilities.map { powf($0, 1 / temperature) }
            return powers.map { $0 / powers.reduce(0, +) }
        }
        for temperature: Float in [0.5, 2] {
            #expect(
                try fits(
                    counts(probabilities) { $0.temperature = temperature }, shares(temperature)))
        }
    }

    @Test("top_k keeps the best k, top_p the fewest that reach p, min_p the likely ones")
    func restrictions() throws {
        let two: [Float] = [0, 4 / 7, 0, 3 / 7]
        let three: [Float] = [0, 4 / 9, 2 / 9, 3 / 9]
        #expect(try fits(counts(probabilities) { $0.topK = 2 }, two))
        #expect(try fits(counts(probabilities) { $0.topP = 0.65 }, two))
        #expect(try fits(counts(probabilities) { $0.topP = 0.75 }, three))
        #expect(try fits(counts(probabilities) { $0.minP = 0.6 }, two))
        #expect(try fits(counts(probabilities) { $0.minP = 0.4 }, three))
        #expect(try counts(probabilities) { $0.topK = 1 } == [0, 4000, 0, 0])
        #expect(try counts(probabilities) { $0.topP = 0.01 } == [0, 4000, 0, 0])
        #expect(try fits(counts(probabilities) { $0.topK = 400 }, probabilities))
    }

    @Test("top_p counts within what top_k keeps")
    func topPWithinTopK() throws {
        // Of the three best, 0.4 and 0.3 are 0.77; of all four they are 0.7.
        let kept = try counts(probabilities) {
            $0.topK = 3
            $0.topP = 0.75
        }
        #expect(fits(kept, [0, 4 / 7, 0, 3 / 7]))
    }

    @Test("top_p finds its tokens beyond the first few hundred")
    func wideTopP() throws {
        let flat = Array(repeating: Float(1) / 600, count: 600)
        let kept = try counts(flat, draws: 600) { $0.topP = 0.5 }
        // Of equals the lower ids come first.
        #expect(kept[302...].allSatisfy { $0 == 0 })
        #expect(kept[..<298].count { $0 > 0 } > 200)
    }

    @Test("At temperature 0 the best token is taken, of equals the lower id")
    func greedy() throws {
        #expect(try counts([0.2, 0.4, 0.4], draws: 10) { $0.temperature = 0 } == [0, 10, 0])
    }

    @Test("Logprobs are the model's own, before temperature and masks, and top is sorted")
    func logprobs() throws {
        var parameters = SamplingParameters(
            temperature: 0.01, seed: 1, logprobs: 3, maxTokens: 9, stopTokenIDs: [1])
        parameters.topK = 1
        let step = SamplingStep(parameters: parameters, choice: 0, position: 0, forbidsStop: true)
        var sampler = try Sampler(vocabularySize: 4, on: ReferenceBackend())
        let drawn = sampler.draw(try row(probabilities.map { logf($0) - 7 }), step, for: 0)
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

    /// Logits of deviation `spread`, every third of them doubled elsewhere.
    private func vocabulary(_ size: Int, spread: Float, seed: UInt64) throws -> Tensor {
        let logits = try Tensor(zeros: [size])
        ReferenceBackend().fillRandom(logits, seed: seed, scale: spread)
        logits.withElements(of: Float.self) { elements in
            for index in stride(from: 0, to: size / 2, by: 3) {
                elements[size - 1 - index] = elements[index]
            }
        }
        return logits
    }

    @Test("Of a vocabulary, top_p keeps what sorting it would keep, and draws each by its weight")
    func keptByTopP() throws {
        let backend = try CPUBackend(processors: [0, 1], pins: false)
        for (size, spread) in [(300, 1), (5000, 0.1), (40_000, 1), (40_000, 6)] as [(Int, Float)] {
            let logits = try vocabulary(size, spread: spread, seed: UInt64(size))
            var scan = try VocabularyScan(vocabularySize: size, on: backend)
            scan.read(logits)
            scan.weigh(temperature: 0.9, least: 0)
            let weights = scan.weights.withElements(of: Float.self) { $0.map { Double($0) } }
            let order = weights.indices.sorted {
                weights[$0] > weights[$1] || (weights[$0] == weights[$1] && $0 < $1)
            }
            for topP: Float in [0.01, 0.3, 0.95, 0.9999] {
                let share = Double(topP) * weights.reduce(0, +)
                var kept: Set<Int> = []
                var weight = 0.0
                for token in order where weight < share * (1 + 1e-6) {
                    kept.insert(token)
                    weight += weights[token]
                }
                let draws = 2000
                var counts: [Int: Int] = [:]
                for draw in 0..<draws {
                    // Draws leave the sums of others behind.
                    scan.weigh(temperature: 0.9, least: 0)
                    let uniform = (Double(draw) + 0.5) / Double(draws)
                    let drawn = scan.draw(topK: 0, topP: topP, uniform)
                    let token = try #require(drawn)
                    counts[token, default: 0] += 1
                }
                #expect(kept.isSuperset(of: counts.keys), "\(size), \(spread), \(topP)")
                // Evenly spaced numbers meet each token as often as its share says, within one.
                let isFair = kept.allSatisfy {
                    abs(Double(counts[$0] ?? 0) - weights[$0] / weight * Double(draws)) < 1.1
                }
                #expect(isFair, "\(size), \(spread), \(topP)")
            }
        }
    }

    @Test("The best tokens are those that sorting finds, of equals the lower ids")
    func bestTokens() throws {
        let size = 30_000
        let logits = try vocabulary(size, spread: 0.5, seed: 3)
        let values = logits.withElements(of: Float.self) { Array($0) }
        let sorted = values.indices.sorted {
            values[$0] > values[$1] || (values[$0] == values[$1] && $0 < $1)
        }
        var scan = try VocabularyScan(vocabularySize: size, on: ReferenceBackend())
        scan.read(logits)
        #expect(scan.best == sorted[0])
        for count in [0, 1, 5, 256, 3000, size, size + 1] {
            scan.select(count)
            #expect(scan.candidates.map { Int($0.token) } == Array(sorted.prefix(count)))
        }
    }

    @Test("Every set of kernels draws the same tokens and logprobs")
    func sameDraws() throws {
        let size = 20_000
        let logits = try vocabulary(size, spread: 2, seed: 4)
        var found: Set<[String]> = []
        for kernels in KernelSet.available {
            let backend = try CPUBackend(
                processors: [0, 1], pins: false, kernels: kernels.name)
            var sampler = try Sampler(vocabularySize: size, on: backend)
            found.insert(
                (0..<60).map { position in
                    let parameters = SamplingParameters(
                        temperature: [0, 0.7, 1, 1.5][position % 4],
                        topP: [1, 0.5, 0.97][position % 3], topK: position % 5 == 0 ? 40 : 0,
                        minP: position % 7 == 0 ? 0.05 : 0, seed: 5, logprobs: position % 4)
                    let step = SamplingStep(
                        parameters: parameters, choice: 0, position: position,
                        forbidsStop: false)
                    return "\(sampler.draw(logits, step, for: 0))"
                })
        }
        #expect(found.count == 1)
    }

    @Test(
        "A row of numbers that are none draws a token all the same", arguments: [0, 1] as [Float])
    func noNumbers(temperature: Float) throws {
        var sampler = try Sampler(
            vocabularySize: 600, on: CPUBackend(processors: [0], pins: false))
        for value in [Float.nan, -.infinity, .infinity] {
            let logits = try row(Array(repeating: value, count: 600))
            for topP: Float in [1, 0.5] {
                let step = SamplingStep(
                    parameters: SamplingParameters(
                        temperature: temperature, topP: topP, seed: 1, logprobs: 2),
                    choice: 0, position: 0, forbidsStop: false)
                let drawn = sampler.draw(logits, step, for: 0)
                #expect((0..<600).contains(drawn.token.rawValue))
            }
        }
    }
}
