// Station 5 where ranks live in a child process: a plan goes out as a frame, its result comes back as
// one. What comes back is checked against the plan; whatever is wrong ends the process's life, not
// the server's.

import Synchronization
import TernParallel
import TernPlanning

/// Runs the plans of one replica in another process.
///
/// Thread: one at a time.
final class ProcessExecutor: Executor, Sendable {
    private struct Flights {
        /// Plans without a result, oldest first.
        var plans: [StepPlan] = []
        /// Since when the oldest of them has been the oldest.
        var since = ContinuousClock.now
    }

    private let socket: FrameSocket
    private let vocabularySize: Int
    /// How long the other process may take no bytes.
    private let deadline: Duration
    private let flights = Mutex(Flights())
    private let tally: CommunicationTally
    /// What the last answer had counted.
    private let received = Mutex(Array(repeating: 0, count: Collective.allCases.count))

    init(
        _ socket: FrameSocket, vocabularySize: Int, deadline: Duration, tally: CommunicationTally
    ) {
        self.socket = socket
        self.tally = tally
        self.vocabularySize = vocabularySize
        self.deadline = deadline
    }

    /// Whether the result of a plan has been awaited for longer than this.
    ///
    /// Thread: any.
    func isStalled(beyond limit: Duration) -> Bool {
        flights.withLock { !$0.plans.isEmpty && $0.since.duration(to: .now) > limit }
    }

    func submit(_ plan: StepPlan) throws(EngineError) {
        flights.withLock { flights in
            if flights.plans.isEmpty { flights.since = .now }
            flights.plans.append(plan)
        }
        do {
            try socket.send(Frame(.plan, plan), within: deadline)
        } catch {
            throw EngineError(.failed, "plan \(plan.number) to the ranks' process: \(error)")
        }
    }

    func nextResult(within deadline: Duration) throws(EngineError) -> StepResult {
        guard let plan = flights.withLock({ $0.plans.first }) else {
            preconditionFailure("a result was asked for, but no plan is in flight")
        }
        defer {
            flights.withLock { flights in
                flights.plans.removeFirst()
                flights.since = .now
            }
        }
        do {
            switch try socket.receive(within: deadline) {
            case let frame? where frame.kind == .result:
                let answer: RankAnswer = try frame.value()
                try answer.result.checkAnswers(plan, vocabularySize: vocabularySize)
                received.withLock {
                    tally.add(answer.receivedBytes, since: $0)
                    $0 = answer.receivedBytes
                }
                return answer.result
            case let frame? where frame.kind == .failed:
                throw EngineError(.failed, try frame.value())
            case let frame?: throw FrameError("found \(frame.kind), expected a result")
            case nil: throw FrameError("it has ended")
            }
        } catch let error as FrameError {
            throw EngineError(
                .failed, "result of plan \(plan.number) from the ranks' process: \(error)")
        } catch {
            throw error as? EngineError ?? EngineError(.failed, "\(error)")
        }
    }
}
