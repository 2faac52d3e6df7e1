// The engine's one thread: take in messages, plan, hand over, commit, deliver. All that moves a
// request goes through here; everything it calls is a value or a mailbox.

import TernPlanning
import TernText

/// Plans, executes and commits until it is told to stop, for the replicas that step together.
///
/// Thread: its own.
struct EngineLoop: ~Copyable {
    let inbox: Mailbox<EngineMessage>
    let ranks: any RankHost
    /// Which of the engine's groups of replicas this loop drives.
    let group: Int
    let tokenizer: Tokenizer
    let counters: EngineCounters
    let configuration: EngineConfiguration
    var lockstep: Lockstep
    var generations: [SequenceID: Generation] = [:]
    var recorder: LoopRecorder
    var nextSequence: UInt64 = 0
    /// The life of the ranks that knows the plans in flight; 0 before the first.
    var life = 0
    var suspects = Suspects()
    var stops = false

    /// An idle loop looks at its inbox at least so often.
    private static let idle = Duration.seconds(1)
    /// One whose ranks are being started again looks after them so often.
    private static let outage = Duration.milliseconds(10)

    /// Runs until a stop message has come, then ends what is left.
    mutating func run() {
        do {
            while !stops {
                let ready = ranks.life(of: group)
                let wait = ready == nil ? Self.outage : lockstep.hasWork ? .zero : Self.idle
                for message in inbox.takeAll(within: wait) { handle(message) }
                if let ready, lockstep.hasWork { try step(on: ready) }
            }
            end(EngineError(.unavailable, "the engine is stopping"))
        } catch {
            end(error as? EngineError ?? EngineError(.failed, "\(error)"))
        }
    }

    /// Hands over as many plans as may fly, then takes in what came of the oldest step: of all
    /// replicas or, where ranks ended, of none.
    private mutating func step(on ready: RankLife) throws {
        if ready.number != life { beginAnew(ready.number) }
        let start = Thread.processorTime()
        recorder.begin()
        let results: [StepResult]
        do {
            while let plans = lockstep.schedule() {
                for (executor, plan) in zip(ready.executors, plans) { try executor.submit(plan) }
                note(handedOver: plans)
            }
            results = try ready.executors.map {
                try $0.nextResult(within: configuration.resultDeadline)
            }
        } catch {
            return try recover(from: error as? EngineError ?? EngineError(.failed, "\(error)"))
        }
        recorder.receive(results, in: counters.steps)
        let progress = results.enumerated().flatMap { lockstep.commit($1, of: $0) }
        let commit = Thread.processorTime()
        let outputs = progress.compactMap { advance($0) }
        if configuration.checksIntegrity { try lockstep.checkIntegrity() }
        recorder.finish(lockstep.counts, in: counters)
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
