// What a model folder becomes, for targets that fuzz its files: looked at, and if it is small enough
// started and asked for a few tokens.

import Glibc
import TernCPU
import TernEngine
import TernPlanning

/// Engines on one processor.
enum TinyEngine {
    /// Models with more parameters are looked at only.
    private static let mostParameters = 1_000_000

    static let hardware = EngineHardware(freeBytes: 1 << 28, spin: .zero) { _, _ in
        try CPUBackend(processors: [0], pins: false)
    }

    /// Looks at a model and, where it is small, runs it. What is refused is refused with an error.
    static func tryOut(_ configuration: EngineConfiguration, prompt: [TokenID]) throws {
        let inspection = try ModelInspection(configuration, freeBytes: hardware.freeBytes)
        guard inspection.parameters <= mostParameters, inspection.shortage == nil else { return }
        let engine = try Engine(configuration, on: hardware)
        var parameters = engine.defaultParameters(maxTokens: 3)
        parameters.logprobs = 1
        let answer = Result {
            try engine.generate([GenerationRequest(prompt: prompt, parameters: parameters)]) {
                _, _ in
            }
        }
        try engine.stop()
        try answer.get()
    }

    /// Settings under which an engine is small.
    static func configuration(_ folder: String) -> EngineConfiguration {
        var configuration = EngineConfiguration(folder: folder)
        configuration.maxModelLength = 32
        configuration.maxSequences = 2
        configuration.maxBatchedTokens = 16
        configuration.requiresTokenizer = false
        configuration.shift = .given(ShiftPolicy(.threshold(2)))
        configuration.checksIntegrity = true
        return configuration
    }
}
