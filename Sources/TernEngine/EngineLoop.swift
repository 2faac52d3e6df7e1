// The engine's one thread: take in messages, plan, hand over, commit, deliver. All that moves a
// request goes through here; everything it calls is a value or a mailbox.

import TernPlanning
import TernText

/// Plans, executes and commits until it is told to stop, for the replicas that step together.
///
/// Thread: its own.
struct EngineLoop: ~Copyable {
    let inbox: Mailbox<EngineMessage>
    /// One for each replica.
    let executors: [any Executor]
    /// Which of the engine's groups of replicas this loop drives.
    let group: Int
    let tokenizer: Tokenizer
    let counters: EngineCounters
    let configuration: EngineConfiguration
    var lockstep: Lockstep
    var generations: [SequenceID: Generation] = [:]
    var recorder: LoopRecorder
    var nextSequence: UInt64 = 0
    var stops = false

    /// An idle loop looks at its inbox at least so often.
    private static let idle = Duration.seconds(1)

    /// Runs until a stop message has come, then ends what is left.
    mutating func run() {
        do {
            while !stops {
                let wait = lockstep.hasWork ? Duration.zero : Self.idle
                for message in inbox.takeAll(within: wait) { handle(message) }
                try step()
            }
            end(EngineError(.unavailable, "the engine is stopping"))
        } catch {
            end(error as? EngineError ?? EngineError(.failed, "\(error)"))
        }
    }

    /// Hands over as many plans as may fly, then takes in what came of the oldest step.
    private mutating func step() throws {
        guard lockstep.hasWork else { return }
        let start = Thread.processorTime()
        recorder.begin()
        while let plans = lockstep.schedule() {
            counters.steps.begin(plans, of: group)
            for (executor, plan) in zip(executors, plans) {
                counters.countStep(plan)
                try executor.submit(plan)
            }
            note(handedOver: plans)
        }
        var progress: [SequenceProgress] = []
        for (replica, executor) in executors.enumerated() {
            // Peers of a rank that hangs notice it within the deadline, and can say which it is.
            let result = try executor.nextResult(within: configuration.stepDeadline * 2)
            if replica == 0 { recorder.receive(number: result.number) }
            progress += lockstep.commit(result, of: replica)
            // All replicas count their plans alike.
            if replica == executors.count - 1 { counters.steps.end(result.number, of: group) }
        }
        let commit = Thread.processorTime()
        let outputs = progress.compactMap { advance($0) }
        if configuration.checksIntegrity { try lockstep.checkIntegrity() }
        recorder.finish(lockstep.counts, in: counters)
        counters.publish(lockstep.counts, of: group)
        counters.countWork(planning: commit - start, text: Thread.processorTime() - commit)
        for (deliver, output) in outputs { deliver(.output(output)) }
    }

    /// Makes text of a token; what is to be delivered when the counters are up to date.
    private mutating func advance(
        _ progress: SequenceProgress
    ) -> (GenerationReceiver, GenerationOutput)? {
        guard let generation = generations[progress.id] else { return nil }
        let output = generation.advance(progress)
        if progress.finish == nil && output.finish == .stop {
            lockstep.finish(progress.id, .stop)
        }
        recorder.addToken(to: generation, ends: output.finish)
        if output.finish != nil { generations[progress.id] = nil }
        return (generation.deliver, output)
    }
}
