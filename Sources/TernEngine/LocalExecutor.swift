// Station 5 where ranks are threads of this process: a plan goes into every rank's mailbox, results
// come from the output rank, in plan order. A rank that fails or does not answer ends the step with
// an error that names it.

import TernModel
import TernParallel
import TernPlanning
import TernTensor

/// Runs the plans of one replica on rank threads of this process.
final class LocalExecutor: Executor, Sendable {
    private let ranks: [RankThread]
    private let reports: Mailbox<RankReport>

    /// Starts the ranks of replicas that step together, in a world of their own.
    ///
    /// Throws: why a rank could not start, with its number and phase; none is left then.
    static func start(
        replicas: Range<Int>, of settled: ModelStages, _ configuration: EngineConfiguration,
        model: ModelConfiguration, hardware: EngineHardware, grammars: GrammarStore? = nil,
        report: @escaping @Sendable (StartReport) -> Void
    ) throws -> [LocalExecutor] {
        let topology = configuration.topology
        let world = try LocalWorld(
            ranks: topology.worldSize, deadline: configuration.stepDeadline, spin: hardware.spin)
        var executors: [LocalExecutor] = []
        do {
            for replica in replicas {
                let start = RankStart(
                    model: model, settled: settled, hardware: hardware, world: world,
                    reports: Mailbox(), report: report, grammars: grammars)
                executors.append(
                    try LocalExecutor(topology.ranks(replica: replica), start))
            }
        } catch {
            try executors.stop(within: farewell)
            throw error
        }
        return executors
    }

    /// Starts all ranks of a replica and waits until each is ready. The first replica loads the
    /// weights that all share.
    private init(_ members: [RankID], _ start: RankStart) throws {
        let (world, reports) = (start.world, start.reports)
        var threads: [RankThread] = []
        do {
            for rank in members { threads.append(try RankThread(rank, start)) }
            try Self.awaitReady(threads, reports)
        } catch {
            world.abort(rank: members[0], cause: "the start of the ranks failed")
            for thread in threads { _ = thread.leave(within: Self.farewell) }
            throw error
        }
        self.reports = reports
        ranks = threads
    }

    /// A load that takes longer is taken for hung.
    private static let startDeadline = Duration.seconds(3600)
    /// How long ranks of a failed start have to free what they took.
    private static let farewell = Duration.seconds(60)

    private static func awaitReady(
        _ threads: [RankThread], _ reports: Mailbox<RankReport>
    ) throws {
        let end = ContinuousClock.now + startDeadline
        var waiting = Set(threads.map(\.rank))
        while !waiting.isEmpty {
            switch reports.take(within: ContinuousClock.now.duration(to: end)) {
            case .ready(let rank): waiting.remove(rank)
            case .failed(let message): throw EngineError(.failed, message)
            case .result(let result):
                preconditionFailure("result of plan \(result.number) before the ranks are ready")
            case .counted(let rank, _):
                preconditionFailure("counts of rank \(rank) before the ranks are ready")
            case nil:
                let phases = threads.filter { waiting.contains($0.rank) }.map(\.whereabouts)
                throw EngineError(
                    .failed,
                    "not ready within \(startDeadline): " + phases.joined(separator: "; "))
            }
        }
    }

    func submit(_ plan: StepPlan) { submit(plan, layers: .max) }

    /// Hands over a plan of which every stage runs its first layers alone: for measurement.
    func submit(_ plan: StepPlan, layers: Int) {
        for rank in ranks { rank.orders.put(.run(plan, layers: layers)) }
    }

    func nextResult(within deadline: Duration) throws(EngineError) -> StepResult {
        switch reports.take(within: deadline) {
        case .result(let result): return result
        case .failed(let message): throw EngineError(.failed, message)
        case .ready(let rank): preconditionFailure("rank \(rank) is ready twice")
        case .counted(let rank, _): preconditionFailure("counts of rank \(rank), unasked")
        case nil:
            let phases = ranks.map(\.whereabouts).joined(separator: "; ")
            throw EngineError(.failed, "no result within \(deadline): \(phases)")
        }
    }

    /// What the collectives of each rank moved since the start, all plans handed over among it; no
    /// result may be outstanding.
    ///
    /// Throws: `EngineError` where a rank failed or does not answer.
    func collectiveCounts(within deadline: Duration) throws(EngineError) -> [CollectiveCounts] {
        for rank in ranks { rank.orders.put(.count) }
        var counts: [RankID: CollectiveCounts] = [:]
        while counts.count < ranks.count {
            switch reports.take(within: deadline) {
            case .counted(let rank, let count): counts[rank] = count
            case .failed(let message): throw EngineError(.failed, message)
            case .ready(let rank): preconditionFailure("rank \(rank) is ready twice")
            case .result(let result):
                preconditionFailure("result of plan \(result.number) among counts")
            case nil:
                let phases = ranks.map(\.whereabouts).joined(separator: "; ")
                throw EngineError(.failed, "no counts within \(deadline): \(phases)")
            }
        }
        return ranks.compactMap { counts[$0.rank] }
    }

    /// The same as of each rank's last step, without waiting for the ranks. Thread: any.
    var latestCounts: [CollectiveCounts] { ranks.map(\.latestCounts) }

    /// Lets the ranks leave, without waiting for it.
    fileprivate func dismiss() {
        for rank in ranks { rank.orders.put(.leave) }
    }

    /// Waits until the ranks have left.
    ///
    /// Throws: where one does not leave in time; its memory is then not freed.
    fileprivate func awaitLeave(within deadline: Duration) throws(EngineError) {
        for rank in ranks where !rank.leave(within: deadline) {
            throw EngineError(
                .failed, "rank \(rank.rank) did not leave within \(deadline): \(rank.whereabouts)")
        }
    }
}

extension [LocalExecutor] {
    /// Lets all ranks leave and waits for them.
    ///
    /// Throws: where one does not leave in time; its memory is then not freed.
    func stop(within deadline: Duration) throws(EngineError) {
        for executor in self { executor.dismiss() }
        for executor in self { try executor.awaitLeave(within: deadline) }
    }
}
