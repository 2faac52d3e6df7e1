// Whole steps, head and all, timed in both modes and as the policy would have them, with the bytes
// that either mode moves: what `tern bench shift` shows. Ranks run without a loop or requests.

import TernModel
import TernPlanning

/// Step times by the number of tokens.
public struct ShiftBenchmark: Sendable {
    /// Times of the steps of one size, in seconds, in the order in which they were taken.
    public struct Steps: Sendable {
        /// Tokens of each step.
        public let tokens: Int
        /// In tensor mode.
        public fileprivate(set) var tensor: [Double] = []
        /// In sequence mode.
        public fileprivate(set) var sequence: [Double] = []
        /// In the mode that the policy chose.
        public fileprivate(set) var shift: [Double] = []
        /// Bytes that a rank receives in a step in tensor mode; of the rank that receives most.
        public let tensorBytes: Int
        /// The same in sequence mode.
        public let sequenceBytes: Int
        /// Operations that the step must at least do, on all ranks together.
        public let operations: Double
        /// Bytes of weights that it must at least read, on all ranks together.
        public let weightBytes: Double
    }

    /// The policy in force.
    public let policy: ShiftPolicy
    /// How it was measured, where it was.
    public let fit: ShiftFit?
    /// Ascending in tokens.
    public let steps: [Steps]

    /// Loads a model, measures, and lets its ranks leave. `progress` hears the share that is done.
    ///
    /// Throws: what `Engine.init` throws, except for the tokenizer, which is not needed.
    public init(
        _ configuration: EngineConfiguration, repetitions: Int, on hardware: EngineHardware,
        report: @escaping @Sendable (StartReport) -> Void = { _ in },
        progress: (Double) -> Void = { _ in }
    ) throws {
        let files = try ModelFiles(configuration.folder)
        let model = try files.configuration()
        try configuration.validate(model)
        let settled = try ModelStages(
            configuration, files, model: model, freeBytes: hardware.freeBytes)
        report(.memory(settled.memory))
        let executors = try LocalExecutor.start(
            replicas: 0..<configuration.topology.lockstepSize, of: settled, configuration,
            model: model, hardware: hardware,
            report: report)
        do {
            fit =
                ShiftMeasurement.isNeeded(configuration)
                ? try ShiftMeasurement.fit(executors, configuration, settled) : nil
            for line in fit?.lines ?? [] { report(.note(line)) }
            policy = fit?.policy ?? configuration.shiftPolicy
            steps = try Self.measure(
                StepTimer(executors, configuration, settled, layers: nil), policy,
                cost: ModelCost(
                    model, dtype: settled.dtype, cacheType: settled.cacheType,
                    quantization: try configuration.quantization(of: model)),
                repetitions: repetitions,
                progress: progress)
        } catch {
            try executors.stop(within: .seconds(60))
            throw error
        }
        try executors.stop(within: .seconds(60))
    }

    /// All three by turns.
    private static func measure(
        _ timer: StepTimer, _ policy: ShiftPolicy, cost: ModelCost, repetitions: Int,
        progress: (Double) -> Void
    ) throws(EngineError) -> [Steps] {
        let ladder = timer.ladder
        var all: [Steps] = []
        for (index, tokens) in ladder.enumerated() {
            progress(Double(index) / Double(ladder.count))
            // These steps are the first of their size, and not timed.
            var steps = Steps(
                tokens: tokens, tensorBytes: try timer.receivedBytes(.tensor, tokens: tokens),
                sequenceBytes: try timer.receivedBytes(.sequence, tokens: tokens),
                operations: Double(timer.replicas) * cost.prefillOperations(tokens: tokens),
                weightBytes: Double(timer.replicas) * cost.weightBytes(tokens: tokens))
            for _ in 0..<repetitions {
                let tensor = try timer.seconds(.tensor, tokens: tokens)
                let sequence = try timer.seconds(.sequence, tokens: tokens)
                let shift = try timer.seconds(policy.mode(tokens: tokens), tokens: tokens)
                steps.tensor.append(tensor)
                steps.sequence.append(sequence)
                steps.shift.append(shift)
            }
            all.append(steps)
        }
        progress(1)
        return all
    }
}
