// Ranks that are threads of this process: settles memory, starts the executors of every replica, measures
// when to shift. What fails here fails for good: there is nobody left to start them again.

import TernModel
import TernParallel
import TernPlanning

/// The ranks of all replicas in this process.
final class LocalRanks: RankHost {
    let summary: RankSummary
    let status = RankStatus()
    /// One for each replica.
    let executors: [LocalExecutor]
    /// The only life of each group.
    private let lives: [RankLife]

    /// Settles memory, loads, and waits until every rank is ready.
    ///
    /// Throws: as `Engine.init`; no thread is left then.
    init(
        _ configuration: EngineConfiguration, _ files: ModelFiles, model: ModelConfiguration,
        on hardware: EngineHardware, grammars: GrammarStore? = nil,
        report: @escaping @Sendable (StartReport) -> Void
    ) throws {
        let settled = try ModelStages(
            configuration, files, model: model, freeBytes: hardware.freeBytes)
        report(.memory(settled.memory))
        (executors, summary) = try Self.start(configuration, settled) { replicas in
            try LocalExecutor.start(
                replicas: replicas, of: settled, configuration, model: model,
                hardware: hardware, grammars: grammars, report: report)
        } measured: { fit in
            for line in fit.lines { report(.note(line)) }
        }
        lives = RankLife.groups(
            of: executors, size: configuration.topology.lockstepSize, number: 1)
    }

    /// Starts the replicas, group by group. The first group measures when to shift, where that is
    /// asked, before the others load; all of them do as it found.
    private static func start(
        _ configuration: EngineConfiguration, _ settled: ModelStages,
        group: (Range<Int>) throws -> [LocalExecutor], measured: (ShiftFit) -> Void
    ) throws -> ([LocalExecutor], RankSummary) {
        let size = configuration.topology.lockstepSize
        var executors: [LocalExecutor] = []
        var fit: ShiftFit?
        do {
            for first in stride(
                from: 0, to: configuration.topology.dataParallelSize, by: size)
            {
                executors += try group(first..<first + size)
                if first == 0 && ShiftMeasurement.isNeeded(configuration) {
                    let found = try ShiftMeasurement.fit(executors, configuration, settled)
                    measured(found)
                    fit = found
                }
            }
        } catch {
            try executors.stop(within: .seconds(60))
            throw error
        }
        let summary = RankSummary(
            memory: settled.memory, dtype: settled.dtype, cacheType: settled.cacheType,
            parameters: settled.parameters, shiftFit: fit)
        return (executors, summary)
    }

    var communicationBytes: [String: Int] {
        CollectiveCounts.named(
            executors.flatMap(\.latestCounts).map(\.receivedBytes).summed)
    }

    func life(of group: Int) -> RankLife? { lives[group] }

    func end(life number: Int, cause: EngineError) throws(EngineError) { throw cause }

    func stop(within deadline: Duration) throws(EngineError) {
        try executors.stop(within: deadline)
    }
}
