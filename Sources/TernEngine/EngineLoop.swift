// The engine's one thread: take in messages, plan, hand over, commit, deliver. All that moves a
// request goes through here; everything it calls is a value or a mailbox.

import TernPlanning
import TernText

/// Plans, executes and commits until it is told to stop.
///
/// Thread: its own.
struct EngineLoop: ~Copyable {
    let inbox: Mailbox<EngineMessage>
    let executor: any Executor
    /// Which of the replicas this loop drives.
    let replica: Int
    let tokenizer: Tokenizer
    let counters: EngineCounters
    let configuration: EngineConfiguration
    var scheduler: Scheduler
    var generations: [SequenceID: Generation] = [:]
    var nextSequence: UInt64 = 0
    var stops = false

    /// An idle loop looks at its inbox at least so often.
    private static let idle = Duration.seconds(1)

    /// Runs until a stop message has come, then ends what is left.
    mutating func run() {
        do {
            while !stops {
                let wait = scheduler.hasWork ? Duration.zero : Self.idle
                for message in inbox.takeAll(within: wait) { handle(message) }
                try step()
            }
            end(EngineError(.unavailable, "the engine is stopping"))
        } catch {
            end(error as? EngineError ?? EngineError(.failed, "\(error)"))
        }
    }

    /// Hands over as many plans as may fly, then takes one result in.
    private mutating func step() throws {
        guard scheduler.hasWork else { return }
        while let plan = scheduler.schedule() {
            counters.countStep(plan)
            try executor.submit(plan)
        }
        // Peers of a rank that hangs notice it within the deadline, and can say which it is.
        let result = try executor.nextResult(within: configuration.stepDeadline * 2)
        let outputs = scheduler.commit(result).compactMap { advance($0) }
        if configuration.checksIntegrity { try scheduler.checkIntegrity() }
        counters.publish(scheduler.counts, of: replica)
        for (deliver, output) in outputs { deliver(.output(output)) }
    }

    /// Makes text of a token; what is to be delivered when the counters are up to date.
    private mutating func advance(
        _ progress: SequenceProgress
    ) -> (GenerationReceiver, GenerationOutput)? {
        guard let output = generations[progress.id]?.advance(progress) else { return nil }
        let deliver = generations[progress.id]?.deliver
        if progress.finish == nil && output.finish == .stop {
            scheduler.finish(progress.id, .stop)
        }
        counters.countToken(ends: output.finish)
        if output.finish != nil { generations[progress.id] = nil }
        return deliver.map { ($0, output) }
    }
}
