// The life of a rank's thread: get a device, load a share of the weights, wait for orders, run them,
// leave. Whatever ends it early is reported with the rank and the phase, and frees the peers that
// wait for it.

import Synchronization
import TernModel
import TernParallel
import TernPlanning
import TernTensor

/// What a rank tells the executor.
enum RankReport: Sendable {
    case ready(RankID)
    case result(StepResult)
    case counted(RankID, CollectiveCounts)
    /// It has failed, or gives up because another has; the message names the first that failed.
    case failed(String)
}

/// Where a rank is in its life.
enum RankPhase: String, Sendable, CustomStringConvertible {
    case starting
    case loading = "loading weights"
    case idle = "waiting for a plan"
    case running = "running a step"
    case gone = "has left"

    var description: String { rawValue }
}

/// What all ranks of an executor start with.
struct RankStart: Sendable {
    let model: ModelConfiguration
    let settled: ModelStages
    let hardware: EngineHardware
    let world: LocalWorld
    let reports: Mailbox<RankReport>
    let report: @Sendable (StartReport) -> Void
    /// Where grammars can be asked for.
    let grammars: GrammarStore?
}

/// A rank's thread, as the executor sees it.
final class RankThread: Sendable {
    enum Order: Sendable {
        /// A plan, and the most layers of the stage that it may run.
        case run(StepPlan, layers: Int)
        /// To report what the collectives moved so far.
        case count
        case leave
    }

    let rank: RankID
    let orders = Mailbox<Order>()
    private let thread: Thread
    private let phase: PhaseBoard

    /// Starts a rank's thread.
    ///
    /// Throws: `EngineError` where the system starts no more threads.
    init(_ rank: RankID, _ start: RankStart) throws(EngineError) {
        let phase = PhaseBoard()
        self.rank = rank
        self.phase = phase
        thread = try Thread("tern-rank-\(rank)") { [orders] in
            do {
                try Self.live(rank, start, orders, phase)
                phase.enter(.gone)
            } catch {
                // Peers that failed because this one did report the first failure, not theirs.
                if !(error is CommunicationError) {
                    start.world.abort(rank: rank, cause: "\(phase.current): \(error)")
                }
                start.reports.put(.failed("\(start.world.firstFailure ?? error)"))
                phase.enter(.gone)
            }
        }
    }

    /// Where the rank is, for a message.
    var whereabouts: String { "rank \(rank) \(phase.current)" }

    /// What its collectives moved until the end of its last step.
    var latestCounts: CollectiveCounts { phase.counts }

    /// Waits for the thread's end; false where it goes on.
    func leave(within deadline: Duration) -> Bool {
        orders.put(.leave)
        return thread.join(within: deadline)
    }

    private static func live(
        _ rank: RankID, _ start: RankStart, _ orders: Mailbox<Order>, _ phase: PhaseBoard
    ) throws {
        let memory = start.settled.ranks[Int(rank.rawValue)]
        let layout = memory.layout
        let backend = try start.hardware.backend(layout.rank, layout.topology)
        phase.enter(.loading)
        let stage = start.settled.stages[layout.pipelineGroup.index]
        if layout.topology.coordinate(.data, of: rank) == 0 {
            try fill(stage, by: layout, start.settled, backend, start.report)
        }
        let communicator = start.hardware.communicator(
            LocalCommunicator(rank: layout.rank, in: start.world, backend: backend))
        let ready = try Rank(
            start.model, stage: stage, memory: memory, backend: backend,
            communicator: communicator, grammars: start.grammars)
        phase.enter(.idle)
        start.reports.put(.ready(layout.rank))
        try serve(ready, orders, phase, start.reports)
    }

    /// Loads this rank's share of each weight, and that of its likes in the other replicas, for one
    /// copy serves all. Shares are alike, so that one rank's progress tells everyone's.
    private static func fill(
        _ stage: ModelStage, by layout: RankLayout, _ settled: ModelStages,
        _ backend: any Backend, _ report: (StartReport) -> Void
    ) throws(StorageError) {
        let likes = settled.ranks.map(\.layout).filter {
            $0.pipelineGroup.index == layout.pipelineGroup.index
                && $0.headGroup.index == layout.headGroup.index
        }
        for (index, fill) in stage.fills.enumerated() {
            try fill(for: likes, on: backend)
            if layout.isOutput {
                report(.loading(Double(index + 1) / Double(stage.fills.count)))
            }
        }
    }

    private static func serve(
        _ rank: Rank, _ orders: Mailbox<Order>, _ phase: PhaseBoard,
        _ reports: Mailbox<RankReport>
    ) throws {
        while true {
            switch orders.take(within: .seconds(3600)) {
            case .run(let plan, let layers):
                phase.enter(.running)
                let result = try rank.run(plan, layers: layers)
                phase.enter(.idle, having: rank.counts)
                if let result { reports.put(.result(result)) }
            case .count: reports.put(.counted(rank.id, rank.counts))
            case .leave: return
            case nil: continue
            }
        }
    }
}

/// Where a rank is and what it has moved, written by its thread and read by others.
private final class PhaseBoard: Sendable {
    private let state = Mutex((phase: RankPhase.starting, counts: CollectiveCounts()))

    var current: RankPhase { state.withLock { $0.phase } }
    var counts: CollectiveCounts { state.withLock { $0.counts } }

    func enter(_ next: RankPhase) { state.withLock { $0.phase = next } }

    func enter(_ next: RankPhase, having counts: CollectiveCounts) {
        state.withLock { $0 = (next, counts) }
    }
}
