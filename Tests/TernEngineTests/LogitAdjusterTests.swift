import TernJSON
import TernPlanning
import TernTensor
import TernTesting
import Testing

@testable import TernEngine

@Suite("Adjusted logits")
struct LogitAdjusterTests {
    private func adjusted(
        _ logits: [Float], _ adjustments: LogitAdjustments, _ history: TokenHistory?,
        forbidsStop: Bool = false, stops: [TokenID] = []
    ) -> [Float] {
        let step = SamplingStep(
            parameters: SamplingParameters(
                seed: 0, adjustments: adjustments, stopTokenIDs: stops),
            choice: 0, position: history?.generated.count ?? 0, forbidsStop: forbidsStop,
            history: history)
        var adjuster = LogitAdjuster(vocabularySize: logits.count)
        var (logits, result) = (logits, Array(repeating: Float.nan, count: logits.count))
        logits.withUnsafeMutableBufferPointer { logits in
            result.withUnsafeMutableBufferPointer { result in
                // Twice: nothing is left behind by the first.
                adjuster.adjust(logits, by: step, of: 0, into: result)
                adjuster.adjust(logits, by: step, of: 0, into: result)
            }
        }
        return result
    }

    /// The same, one token at a time, by the words of the definition.
    private func expected(
        _ logits: [Float], _ adjustments: LogitAdjustments, _ history: TokenHistory
    ) -> [Float] {
        logits.enumerated().map { index, logit in
            let token = TokenID(index)
            if let allowed = adjustments.allowedTokenIDs, !allowed.contains(token) {
                return -.infinity
            }
            for word in adjustments.badWords where word.last == token {
                if (history.generated + [token]).suffix(word.count) == word[...] {
                    return -.infinity
                }
            }
            var result = logit + (adjustments.logitBias[token] ?? 0)
            let count = history.generated.count { $0 == token }
            if count > 0 || history.prompt.contains(token) {
                result =
                    result > 0
                    ? result / adjustments.repetitionPenalty
                    : result * adjustments.repetitionPenalty
            }
            result -= adjustments.frequencyPenalty * Float(count)
            return result - (count > 0 ? adjustments.presencePenalty : 0)
        }
    }

    @Test("They are those that transformers' processors make")
    func golden() throws {
        let cases = try #require(Fixture.golden("sampling.json")["cases"]?.array)
        #expect(cases.count == 24)
        for entry in cases {
            func tokens(_ value: JSON?) -> [TokenID] {
                (value?.array ?? []).compactMap(\.integer).map { TokenID($0) }
            }
            var adjustments = LogitAdjustments()
            adjustments.repetitionPenalty = Float(entry["penalty"]?.number ?? 1)
            adjustments.badWords = (entry["words"]?.array ?? []).map { tokens($0) }
            for (token, bias) in entry["bias"]?.object?.members ?? [] {
                adjustments.logitBias[TokenID(try #require(Int(token)))] = Float(
                    try #require(bias.number))
            }
            let logits = (entry["logits"]?.array ?? []).compactMap(\.number).map { Float($0) }
            let found = adjusted(
                logits, adjustments,
                TokenHistory(prompt: tokens(entry["prompt"]), generated: tokens(entry["generated"]))
            )
            let expected = try #require(entry["expected"]?.array).map {
                $0.number.map { Float($0) } ?? -.infinity
            }
            #expect(found == expected, "\(entry["kind"]?.string ?? "")")
        }
    }

    @Test("Together they are what the definition says, for random requests", arguments: 0..<40)
    func together(seed: UInt64) {
        print("adjusted logits: seed \(seed)")
        var random = SplitMix(state: seed)
        let size = 20
        func some(_ count: Int) -> [TokenID] {
            (0..<count).map { _ in TokenID(Int.random(in: 0..<size, using: &random)) }
        }
        let history = TokenHistory(prompt: some(6), generated: some(Int(seed % 12)))
        var adjustments = LogitAdjustments()
        adjustments.repetitionPenalty = Float.random(in: 0.5...2, using: &random)
        adjustments.presencePenalty = Float.random(in: -2...2, using: &random)
        adjustments.frequencyPenalty = Float.random(in: -2...2, using: &random)
        for token in some(4) { adjustments.logitBias[token] = 3 }
        adjustments.badWords = [
            some(1), Array(history.generated.suffix(1)) + some(1),
            Array(history.generated.suffix(2)) + some(1), some(2),
        ]
        if seed.isMultiple(of: 2) { adjustments.allowedTokenIDs = some(12) }
        let logits = (0..<size).map { _ in Float.random(in: -9...9, using: &random) }
        #expect(
            adjusted(logits, adjustments, history) == expected(logits, adjustments, history))
    }

    @Test("Where masks leave nothing, what is allowed may be drawn after all")
    func nothingLeft() {
        var adjustments = LogitAdjustments()
        adjustments.allowedTokenIDs = [1, 2]
        adjustments.badWords = [[1]]
        let found = adjusted([5, 6, 7, 8], adjustments, nil, forbidsStop: true, stops: [2])
        #expect(found == [-.infinity, 6, 7, -.infinity])
        let masked = adjusted([5, 6, 7, 8], adjustments, nil, forbidsStop: false, stops: [2])
        #expect(masked == [-.infinity, -.infinity, 7, -.infinity])
    }

    @Test("No penalty makes of a token that is allowed one that cannot be drawn")
    func extremePenalties() throws {
        var parameters = SamplingParameters(temperature: 1, seed: 3)
        parameters.adjustments.allowedTokenIDs = [1, 2]
        var sampler = try Sampler(vocabularySize: 3, on: ReferenceBackend())
        for penalty in [Float.greatestFiniteMagnitude, .leastNonzeroMagnitude] {
            parameters.adjustments.repetitionPenalty = penalty
            for sign in [Float(1), -1] {
                let logits = try row([sign * 30, sign * 20, sign * 10])
                let step = SamplingStep(
                    parameters: parameters, choice: 0, position: 0, forbidsStop: false,
                    history: TokenHistory(prompt: [0, 1, 2], generated: []))
                let drawn = sampler.draw(logits, step, for: 0)
                #expect(drawn.token == 1 || drawn.token == 2, "\(penalty), \(sign)")
            }
        }
    }

    @Test("A draw keeps the model's own logits and logprobs")
    func ownLogprobs() throws {
        var parameters = SamplingParameters(temperature: 0, seed: 0, logprobs: 1)
        parameters.adjustments.logitBias = [0: 100]
        let step = SamplingStep(
            parameters: parameters, choice: 0, position: 0, forbidsStop: false)
        var sampler = try Sampler(vocabularySize: 3, on: ReferenceBackend())
        let logits = try row([-2, 3, 1])
        let drawn = sampler.draw(logits, step, for: 0)
        let plain = sampler.score(logits, 0, top: 1)
        #expect(logits.withElements(of: Float.self) { Array($0) } == [-2, 3, 1])
        #expect(drawn.token == 0)
        #expect(drawn.logprob == plain.logprob && drawn.top == plain.top)
        #expect(plain.rank == 3 && plain.top.map(\.token) == [1])
    }

    @Test("A bad word is masked as a beginning and after a space")
    func badWords() throws {
        let vocabulary: [String: [TokenID]] = [
            "cat": [1], " cat": [2], "dog": [3, 4], " dog": [5], "ox": [6, 7], " ox": [8, 7],
        ]
        let words = try BadWords.tokens(of: ["cat", " dog", "ox"]) {
            try #require(vocabulary[$0])
        }
        #expect(words == [[1], [2], [3, 4], [6, 7], [8, 7]])
    }
}

/// Seeded random numbers.
private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }
}
