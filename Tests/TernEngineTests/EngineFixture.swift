// Engines for tests: a tiny model with random weights, or the bundled one, on the CPU backend.

import Synchronization
import TernCPU
import TernEngine
import TernPlanning
import TernTesting

extension EngineHardware {
    /// The processors of this machine, which ranks share as the system sees fit.
    static var test: EngineHardware {
        EngineHardware(freeBytes: 1 << 30, spin: .zero) { _, topology in
            topology.worldSize == 1
                ? try CPUBackend(pins: false) : try CPUBackend(processors: [0], pins: false)
        }
    }
}

/// What one choice gave, whole.
struct Answer: Equatable {
    var text = ""
    var tokens: [TokenID] = []
    var logprobs: [[TokenLogprob]] = []
    var finish: FinishReason?
}

extension Engine {
    /// A tiny Qwen3 with seeded random weights, whose tokens are bytes; its tables are checked
    /// after every step.
    static func tiny(
        folder: String = Fixture.families + "/qwen3",
        on hardware: EngineHardware = .test,
        _ change: (inout EngineConfiguration) -> Void = { _ in }
    ) throws -> Engine {
        var configuration = EngineConfiguration(folder: folder)
        configuration.loadFormat = .dummy
        configuration.dtype = .bfloat16
        configuration.maxModelLength = 256
        configuration.maxSequences = 8
        configuration.maxBatchedTokens = 64
        configuration.checksIntegrity = true
        change(&configuration)
        return try Engine(configuration, on: hardware)
    }

    /// The bundled model.
    static func telemachus(
        _ change: (inout EngineConfiguration) -> Void = { _ in }
    ) throws -> Engine {
        var configuration = EngineConfiguration(folder: Fixture.telemachus)
        configuration.maxSequences = 32
        change(&configuration)
        return try Engine(configuration, on: .test)
    }

    /// Greedy parameters for so many tokens, without an end of its own.
    func greedy(_ count: Int) -> SamplingParameters {
        var parameters = defaultParameters(maxTokens: count)
        parameters.temperature = 0
        parameters.ignoreEOS = true
        return parameters
    }

    /// All answers to requests that are submitted at once: `[request][choice]`.
    func answers(_ requests: [GenerationRequest]) throws -> [[Answer]] {
        var answers = requests.map { Array(repeating: Answer(), count: $0.choices) }
        try generate(requests) { index, output in
            answers[index][output.choice].text += output.text
            answers[index][output.choice].tokens += output.tokens.map(\.token)
            answers[index][output.choice].logprobs += output.tokens.map(\.top)
            answers[index][output.choice].finish = output.finish
        }
        return answers
    }

    /// The answer to one request for one choice.
    func answer(_ request: GenerationRequest) throws -> Answer { try answers([request])[0][0] }
}

/// Tokens that look random and are the same in every run.
func tokens(_ count: Int, salt: Int = 0, below limit: Int = 131) -> [TokenID] {
    var state = UInt64(truncatingIfNeeded: salt &* 7919 &+ 17)
    return (0..<count).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return TokenID(Int(state >> 33) % limit)
    }
}
