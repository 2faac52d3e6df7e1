// Equal prompts that enter at once and go on to the same length: what the benches of latency and of
// scaling run. Times are theirs to sum up.

import TernEngine
import TernPlanning

/// A batch of equal requests.
struct EqualBatch {
    /// Tokens of each prompt.
    let inputLength: Int
    /// Tokens generated after each.
    let outputLength: Int
    /// Sequences at once.
    let size: Int

    /// Runs the batch once: seconds until all have their first token, and per token after that.
    ///
    /// Prompts of another `salt` are others.
    func run(on engine: Engine, salt: Int) throws -> (first: Double, next: Double) {
        var parameters = engine.defaultParameters(maxTokens: outputLength)
        parameters.temperature = 0
        parameters.ignoreEOS = true
        let requests = (0..<size).map { index in
            let prompt = (0..<inputLength).map { position in
                TokenID((position * 31 + index * 17 + salt * 13 + 1) % engine.model.vocabularySize)
            }
            return GenerationRequest(prompt: prompt, parameters: parameters)
        }
        let clock = ContinuousClock()
        let start = clock.now
        var unstarted = Set(requests.indices)
        var firstTokens = start
        try engine.generate(requests) { index, _ in
            if unstarted.remove(index) != nil && unstarted.isEmpty { firstTokens = clock.now }
        }
        let decoding = firstTokens.duration(to: clock.now) / Double(outputLength - 1)
        return (start.duration(to: firstTokens) / .seconds(1), decoding / .seconds(1))
    }
}
