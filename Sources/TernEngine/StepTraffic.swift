// What one step costs in collectives, counted by the communicators: figures that are the same in every
// run, and that a change of the layers must not raise unseen. Nothing is timed here.

import TernModel
import TernParallel
import TernPlanning

/// Collectives and bytes of a step, of the rank with the most of each.
public struct StepTraffic: Sendable, Equatable {
    /// Calls of collectives.
    public let collectives: Int
    /// Bytes received from others.
    public let bytes: Int

    /// Loads a model, runs one step of so many tokens in each mode, lets its ranks leave.
    ///
    /// Throws: what `Engine.init` throws, except for the tokenizer, which is not needed.
    public static func count(
        _ configuration: EngineConfiguration, tokens: Int, on hardware: EngineHardware
    ) throws -> [ParallelMode: StepTraffic] {
        let files = try ModelFiles(configuration.folder)
        let model = try files.configuration()
        try configuration.validate(model)
        let settled = try ModelStages(
            configuration, files, model: model, freeBytes: hardware.freeBytes)
        let executors = try LocalExecutor.start(
            replicas: 0..<configuration.topology.lockstepSize, of: settled, configuration,
            model: model, hardware: hardware, report: { _ in })
        let timer = StepTimer(executors, configuration, settled, layers: nil)
        var counts: [ParallelMode: StepTraffic] = [:]
        do {
            for mode in ParallelMode.allCases {
                let before = try timer.counts()
                _ = try timer.seconds(mode, tokens: tokens)
                counts[mode] = StepTraffic(before, try timer.counts())
            }
        } catch {
            try executors.stop(within: .seconds(60))
            throw error
        }
        try executors.stop(within: .seconds(60))
        return counts
    }

    private init(_ before: [CollectiveCounts], _ after: [CollectiveCounts]) {
        let kinds = Collective.allCases
        func calls(_ counts: CollectiveCounts) -> Int { kinds.reduce(0) { $0 + counts.calls($1) } }
        collectives = zip(before, after).map { calls($1) - calls($0) }.max() ?? 0
        bytes = zip(before, after).map { $1.totalBytes - $0.totalBytes }.max() ?? 0
    }
}
