// What a decode step of a whole engine costs in heap allocations, of all threads together, and what a
// step moves between ranks in either mode.

import CAllocationCounter
import TernCPU
import TernEngine
import TernJSON
import TernPlanning

/// Counts of an engine of two ranks that split sequences.
enum EngineCounts {
    private static let sequences = 8
    private static let tokens = 64

    static func figures(model: String) throws -> JSONObject {
        var configuration = EngineConfiguration(folder: model)
        configuration.maxSequences = sequences
        configuration.maxBatchedTokens = 256
        configuration.maxModelLength = 512
        configuration.enablesPrefixCaching = false
        configuration.topology = Topology(sequence: 2)
        configuration.shift = .given(ShiftPolicy(.threshold(32)))
        let hardware = EngineHardware(freeBytes: 1 << 30) { _, _ in
            try CPUBackend(processors: [0], pins: false)
        }
        let moved = try StepTraffic.count(configuration, tokens: tokens, on: hardware)
        var figures = JSONObject()
        for mode in ParallelMode.allCases {
            guard let counts = moved[mode] else { continue }
            figures["\(mode.rawValue)_collectives_per_step"] = .integer(counts.collectives)
            figures["\(mode.rawValue)_bytes_per_step"] = .integer(counts.bytes)
        }
        figures["allocations_per_decode_step"] = .number(
            try allocationsPerStep(try Engine(configuration, on: hardware)))
        return figures
    }

    /// What a longer answer allocates beyond a shorter one, for each of its steps more.
    private static func allocationsPerStep(_ engine: Engine) throws -> Double {
        func run(tokens: Int) throws -> (allocations: Int64, steps: Int) {
            var parameters = engine.defaultParameters(maxTokens: tokens)
            parameters.temperature = 0
            parameters.ignoreEOS = true
            let requests = (0..<sequences).map { index in
                GenerationRequest(
                    prompt: (0..<16).map { TokenID(1 + index + $0) }, parameters: parameters)
            }
            let before = (process_allocation_count(), engine.metrics.steps)
            try engine.generate(requests) { _, _ in }
            return (process_allocation_count() - before.0, engine.metrics.steps - before.1)
        }
        _ = try run(tokens: 64)
        let (short, long) = (try run(tokens: 64), try run(tokens: 320))
        try engine.stop()
        return Double(long.allocations - short.allocations) / Double(long.steps - short.steps)
    }
}
