// The thread that keeps a child process of ranks alive: start it, follow its reports until it is ready,
// wait for its end, wait a little, start the next.

import Glibc
import Synchronization
import TernPlanning

/// Starts children one after the other until it is told to stop.
///
/// Thread: `run` on one of its own, everything else on any.
final class RankWatch: Sendable {
    private struct State {
        var child: RankChild?
        /// Nil while there is none that is ready.
        var ready: Ready?
        /// Counts the children that were ready.
        var life = 0
        /// Why the last one was ended, where one of us did.
        var cause: EngineError?
        var isStopping = false
    }

    /// A child that takes plans.
    private struct Ready {
        /// One for each replica.
        let executors: [ProcessExecutor]
        /// The same, ready to be handed out: one for each group of replicas that step together.
        let lives: [RankLife]
    }

    /// What the ranks of all children moved.
    let tally = CommunicationTally()
    private let command: RankCommand
    private let configuration: EngineConfiguration
    private let vocabularySize: Int
    private let report: @Sendable (StartReport) -> Void
    private let state = Mutex(State())
    private let interrupts = Mailbox<Void>()

    /// A load that takes longer is taken for hung.
    static let startDeadline = Duration.seconds(3600)
    /// How long the system may take to end a process and free its memory.
    private static let reapDeadline = Duration.seconds(60)

    init(
        _ command: RankCommand, _ configuration: EngineConfiguration, vocabularySize: Int,
        report: @escaping @Sendable (StartReport) -> Void
    ) {
        self.command = command
        self.configuration = configuration
        self.vocabularySize = vocabularySize
        self.report = report
    }

    /// Ranks with a step that does not end are not ready either, long before they count as hung.
    var status: RankStatus {
        let limit = configuration.stallDeadline
        return state.withLock { state in
            let isStalled = state.ready?.executors.contains { $0.isStalled(beyond: limit) }
            return RankStatus(areReady: isStalled == false, restarts: max(0, state.life - 1))
        }
    }

    func life(of group: Int) -> RankLife? { state.withLock { $0.ready?.lives[group] } }

    /// Ends a life, if it is not over already.
    func end(life number: Int, cause: EngineError) {
        state.withLock { state in
            guard state.ready != nil && state.life == number else { return }
            state.ready = nil
            state.cause = state.cause ?? cause
            state.child?.kill()
        }
    }

    /// Ends the child and starts no other.
    func stop() {
        state.withLock { state in
            state.isStopping = true
            state.ready = nil
            state.child?.kill()
        }
        interrupts.put(())
    }

    /// Keeps ranks alive until `stop`. Tells how the first start went; if it failed, there is no
    /// second one.
    func run(started: (Result<RankSummary, EngineError>) -> Void) {
        var settled: RankSummary?
        var backoff = RestartBackoff()
        while !state.withLock({ $0.isStopping }) {
            let begin = ContinuousClock.now
            var ready: ContinuousClock.Instant?
            var ending: EngineError?
            do throws(EngineError) {
                let child = try start(settled)
                let summary = try awaitReady(child, isFirst: settled == nil)
                try summary.checkSucceeds(settled ?? summary)
                publish(child)
                if settled == nil {
                    settled = summary
                    started(.success(summary))
                } else {
                    tellReturn(after: begin.duration(to: .now))
                }
                ready = .now
                awaitEnd(child)
            } catch {
                ending = error
            }
            let end = ContinuousClock.now
            let cause = bury(ending)
            guard settled != nil else { return started(.failure(cause)) }
            let wait = backoff.wait(
                afterLifeOf: (ready ?? end).duration(to: end),
                startedIn: begin.duration(to: ready ?? end))
            tellEnd(cause, wait)
            _ = interrupts.take(within: wait)
        }
    }

    private func start(_ settled: RankSummary?) throws(EngineError) -> RankChild {
        let child = try RankChild(
            command, words: command.words(settled),
            replicas: configuration.topology.dataParallelSize)
        state.withLock { state in
            state.child = child
            state.cause = nil
            if state.isStopping { child.kill() }
        }
        return child
    }

    /// Follows the reports of a start. Later starts repeat what the first one told.
    private func awaitReady(_ child: RankChild, isFirst: Bool) throws(EngineError) -> RankSummary {
        let end = ContinuousClock.now + Self.startDeadline
        do {
            while let frame = try child.control.receive(
                within: ContinuousClock.now.duration(to: end))
            {
                switch frame.kind {
                case .ready: return try frame.value()
                case .failed: throw EngineError(.failed, try frame.value())
                case .memory: if isFirst { report(.memory(try frame.value())) }
                case .loading: if isFirst { report(.loading(try frame.value())) }
                case .note: if isFirst { report(.note(try frame.value())) }
                case .plan, .result: throw FrameError("found a \(frame.kind) before it is ready")
                }
            }
        } catch let error as FrameError {
            throw EngineError(.failed, "start of the ranks' process: \(error)")
        } catch {
            throw error as? EngineError ?? EngineError(.failed, "\(error)")
        }
        throw EngineError(
            .failed, "start of the ranks' process: it \(child.reap(within: Self.reapDeadline))")
    }

    private func publish(_ child: RankChild) {
        let executors = child.replicas.map {
            ProcessExecutor(
                $0, vocabularySize: vocabularySize, deadline: configuration.resultDeadline,
                tally: tally)
        }
        state.withLock { state in
            guard !state.isStopping else { return }
            state.life += 1
            state.ready = Ready(
                executors: executors,
                lives: RankLife.groups(
                    of: executors, size: configuration.topology.lockstepSize, number: state.life))
        }
    }

    /// Waits until a child that is ready says no more: it is gone, or beyond understanding.
    private func awaitEnd(_ child: RankChild) {
        var isOver = false
        while !isOver {
            var poller = pollfd(fd: child.control.descriptor, events: Int16(POLLIN), revents: 0)
            // What wakes it is its end; nothing is said on this socket any more.
            isOver = poll(&poller, 1, 3_600_000) > 0
        }
    }

    /// Takes leave of the child and tells why it ended.
    private func bury(_ ending: EngineError?) -> EngineError {
        let (child, cause) = state.withLock { state in
            state.ready = nil
            defer { state.child = nil }
            return (state.child, state.cause)
        }
        let manner = child?.reap(within: Self.reapDeadline)
        guard let error = cause ?? ending else {
            return EngineError(.failed, "their process \(manner ?? "did not start")")
        }
        // A first start tells its cause alone: it is the last line that its caller sees.
        guard let manner, let cause else { return error }
        return EngineError(.failed, "\(cause); their process \(manner)")
    }

    private func tellEnd(_ cause: EngineError, _ wait: Duration) {
        guard !state.withLock({ $0.isStopping }) else { return }
        let next = wait == .zero ? "at once" : "in \(wait)"
        report(.note("the ranks have ended: \(cause); starting them again \(next)"))
    }

    private func tellReturn(after time: Duration) {
        let tenths = Int((time / .milliseconds(100)).rounded())
        report(
            .note(
                "the ranks are ready again after \(tenths / 10).\(tenths % 10) s "
                    + "(restart \(status.restarts))"))
    }
}
