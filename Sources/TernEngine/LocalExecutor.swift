// Station 5 where ranks are threads of this process: plans go into the rank's mailbox, results come
// out of another, in order. A rank that does not answer in time is named in an error.

import TernModel
import TernPlanning
import TernTensor

/// Runs plans on a rank thread of this process.
final class LocalExecutor: Executor, Sendable {
    private enum Order: Sendable {
        case run(StepPlan)
        case leave
    }

    let ready: Rank.Ready
    private let orders = Mailbox<Order>()
    private let results = Mailbox<StepResult>()
    private let thread: Thread

    /// Starts the rank and waits until its model is loaded.
    ///
    /// Throws: what the rank's start throws.
    init(
        _ configuration: EngineConfiguration, model: ModelConfiguration,
        backend: @escaping @Sendable () throws -> any Backend, freeBytes: Int,
        report: @escaping @Sendable (StartReport) -> Void
    ) throws {
        let started = Mailbox<Result<Rank.Ready, any Error>>()
        thread = try Thread("tern-rank-0") { [orders, results] in
            let rank: Rank
            do {
                rank = try Rank(
                    configuration, model: model, backend: try backend(), freeBytes: freeBytes,
                    report: report)
            } catch {
                started.put(.failure(error))
                return
            }
            started.put(.success(rank.ready))
            Self.serve(rank, orders: orders, results: results)
        }
        guard let outcome = started.take(within: Self.startDeadline) else {
            throw EngineError(
                .failed, "rank 0: the model was not loaded within \(Self.startDeadline)")
        }
        do {
            ready = try outcome.get()
        } catch {
            _ = thread.join(within: Self.farewell)
            throw error
        }
    }

    /// A load that takes longer is taken for hung.
    private static let startDeadline = Duration.seconds(3600)
    /// How long a rank that failed to start has to free what it took.
    private static let farewell = Duration.seconds(60)

    private static func serve(
        _ rank: Rank, orders: Mailbox<Order>, results: Mailbox<StepResult>
    ) {
        while true {
            switch orders.take(within: .seconds(3600)) {
            case .run(let plan): results.put(rank.run(plan))
            case .leave: return
            case nil: continue
            }
        }
    }

    func submit(_ plan: StepPlan) { orders.put(.run(plan)) }

    func nextResult(within deadline: Duration) throws(EngineError) -> StepResult {
        guard let result = results.take(within: deadline) else {
            throw EngineError(.failed, "rank 0 gave no result within \(deadline)")
        }
        return result
    }

    /// Lets the rank leave and waits for it.
    ///
    /// Throws: where it does not leave in time; its memory is then not freed.
    func stop(within deadline: Duration) throws(EngineError) {
        orders.put(.leave)
        guard thread.join(within: deadline) else {
            throw EngineError(.failed, "rank 0 did not leave within \(deadline)")
        }
    }
}
