// The child process of the ranks, from the inside: it starts them, then carries plans from its sockets to
// their executors and results back. It knows no requests and keeps no state: whoever starts it again
// loses nothing but time.

import CTernThreads
import Glibc
import TernPlanning

/// Runs ranks for the process that started this one.
public enum RankService {
    /// Runs until the parent leaves or a rank fails, which ends this process.
    ///
    /// `parent`: the process that started this one. `observe` sees each plan before its ranks do:
    /// for tests of faults.
    public static func run(
        _ configuration: EngineConfiguration, on hardware: @autoclosure () throws -> EngineHardware,
        parent: Int32, observe: @escaping @Sendable (StepPlan) -> Void = { _ in }
    ) throws -> Never {
        // Signals to the group of processes, from a terminal or at a service's stop, are the
        // parent's to obey: it may still want results.
        for number in [SIGINT, SIGTERM, SIGHUP] { signal(number, SIG_IGN) }
        guard tern_die_with_parent() == 0, getppid() == parent else { _exit(1) }
        let control = FrameSocket(RankDescriptor.control)
        _ = try Thread("tern-parent") { awaitParentsEnd(control) }
        let failures = Mailbox<EngineError>()
        do {
            let files = try ModelFiles(configuration.folder)
            let model = try files.configuration()
            try configuration.validate(model)
            let grammars = GrammarStore(
                try configuration.tokenizer(files), vocabularySize: model.vocabularySize)
            let ranks = try LocalRanks(
                configuration, files, model: model, on: try hardware(), grammars: grammars
            ) { tell($0, control) }
            try control.send(Frame(.ready, ranks.summary), within: patience)
            for (index, executor) in ranks.executors.enumerated() {
                try RankPost(
                    FrameSocket(RankDescriptor.replica(index)), executor,
                    deadline: configuration.resultDeadline, observe: observe
                ).start(index) { failures.put($0) }
            }
        } catch {
            try control.send(Frame(.failed, "\(error)"), within: patience)
            _exit(1)
        }
        while failures.take(within: .seconds(3600)) == nil {}
        _exit(1)
    }

    /// A parent that takes nothing for so long is beyond being told.
    private static let patience = Duration.seconds(60)

    private static func tell(_ report: StartReport, _ control: FrameSocket) {
        let frame =
            switch report {
            case .memory(let memory): Frame(.memory, memory)
            case .loading(let share): Frame(.loading, share)
            case .note(let line): Frame(.note, line)
            }
        do { try control.send(frame, within: patience) } catch { _exit(1) }
    }

    /// Nothing ever comes on this socket but its end.
    private static func awaitParentsEnd(_ control: FrameSocket) {
        var poller = pollfd(fd: control.descriptor, events: Int16(POLLIN), revents: 0)
        while poll(&poller, 1, 3_600_000) <= 0 {}
        _exit(0)
    }
}

/// One replica's way in and out.
private final class RankPost: Sendable {
    private let socket: FrameSocket
    private let executor: LocalExecutor
    private let deadline: Duration
    private let observe: @Sendable (StepPlan) -> Void
    /// A mark for each plan whose result is to be sent.
    private let outstanding = Mailbox<Void>()

    init(
        _ socket: FrameSocket, _ executor: LocalExecutor, deadline: Duration,
        observe: @escaping @Sendable (StepPlan) -> Void
    ) {
        self.socket = socket
        self.executor = executor
        self.deadline = deadline
        self.observe = observe
    }

    /// Starts a thread for each way. What fails is told to the parent, then to `failed`.
    func start(_ index: Int, failed: @escaping @Sendable (EngineError) -> Void) throws(EngineError)
    {
        let guarded: @Sendable (() throws -> Void) -> Void = { [socket, deadline] body in
            do {
                try body()
            } catch {
                let cause = error as? EngineError ?? EngineError(.failed, "\(error)")
                // A parent that cannot be told sees the end of this process.
                _ = try? socket.send(Frame(.failed, cause.message), within: deadline)
                failed(cause)
            }
        }
        _ = try Thread("tern-plans-\(index)") { [self] in guarded(takePlans) }
        _ = try Thread("tern-results-\(index)") { [self] in guarded(sendResults) }
    }

    private func takePlans() throws {
        while true {
            guard let frame = try socket.receive(within: .seconds(1_000_000_000)) else {
                throw EngineError(.unavailable, "the parent has left")
            }
            guard frame.kind == .plan else {
                throw FrameError("found \(frame.kind), expected a plan")
            }
            let plan: StepPlan = try frame.value()
            observe(plan)
            executor.submit(plan)
            outstanding.put(())
        }
    }

    private func sendResults() throws {
        while true {
            guard outstanding.take(within: .seconds(3600)) != nil else { continue }
            let result = try executor.nextResult(within: deadline)
            let received = executor.latestCounts.map(\.receivedBytes).summed
            try socket.send(
                Frame(.result, RankAnswer(result, receivedBytes: received)), within: deadline)
        }
    }
}
