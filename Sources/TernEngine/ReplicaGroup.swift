// Replicas as the engine sees them: a loop, and for each replica a scheduler, a cache and ranks of its
// own, which RankHost starts and ends. Those that share experts are in one group and step together;
// others are groups of one. Which request goes to which replica is the engine's choice.

import Synchronization
import TernModel
import TernPlanning
import TernText

/// Replicas that run, in step with each other.
///
/// Thread: every method may be called from any thread.
final class ReplicaGroup: Sendable {
    private let inbox = Mailbox<EngineMessage>()
    private let thread: Thread

    /// Starts a loop over the ranks of a group, which are ready.
    ///
    /// Throws: where the system starts no more threads.
    init(
        _ index: Int, ranks: any RankHost, lockstep: Lockstep, tokenizer: Tokenizer,
        counters: EngineCounters, configuration: EngineConfiguration
    ) throws(EngineError) {
        thread = try Thread("tern-engine-\(index)") { [inbox] in
            var loop = EngineLoop(
                inbox: inbox, ranks: ranks, group: index, tokenizer: tokenizer,
                counters: counters, configuration: configuration, lockstep: lockstep,
                recorder: LoopRecorder(group: index, trace: configuration.trace))
            loop.run()
        }
    }

    /// Enters a request for one of the group's replicas; false where the loop has ended.
    func submit(
        _ id: RequestID, _ request: GenerationRequest, to replica: Int,
        _ deliver: @escaping GenerationReceiver
    ) -> Bool {
        inbox.put(.submit(id, request, replica: replica, deliver))
    }

    /// Ends a request if it is here.
    func cancel(_ id: RequestID) { inbox.put(.cancel(id)) }

    /// Ends the loop.
    ///
    /// Throws: `EngineError` where it does not end in time.
    func stop(within deadline: Duration) throws(EngineError) {
        inbox.put(.stop)
        guard thread.join(within: deadline) else {
            throw EngineError(.failed, "the engine's loop did not end within \(deadline)")
        }
    }
}

/// What a request weighs on its replica, until its last choice has ended.
final class ReplicaLoad: Sendable {
    private let open: Mutex<Int>
    private let end: @Sendable () -> Void

    init(choices: Int, end: @escaping @Sendable () -> Void) {
        open = Mutex(choices)
        self.end = end
    }

    // A request that is cancelled hears no more events: its load goes with this.
    deinit { if open.withLock({ $0 > 0 }) { end() } }

    /// Counts the ends among a request's events.
    func observe(_ event: GenerationEvent) {
        let isOver = open.withLock { open in
            let before = open
            switch event {
            case .output(let output): if output.finish != nil { open -= 1 }
            case .failed: open = 0
            }
            return before > 0 && open == 0
        }
        if isOver { end() }
    }
}
