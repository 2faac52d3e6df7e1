// A fixed course of a scheduler at work: the same plans in every run, so that its instructions can be
// counted. Sequences of many lengths come as fast as others end, half of them with a common prefix.

import TernPlanning

/// A scheduler that always has the same number of sequences.
struct SchedulerScenario {
    private let sequences: Int
    private var scheduler: Scheduler
    private var live: Set<SequenceID> = []
    private var entered = 0

    init(sequences: Int) {
        self.sequences = sequences
        scheduler = Scheduler(
            SchedulerConfiguration(
                maxBatchedTokens: 2048, maxSequences: sequences, maxModelLength: 512,
                blockSize: 16, blockCount: sequences * 24))
    }

    /// Plans, answers and commits so many steps.
    mutating func run(steps: Int) throws {
        for _ in 0..<steps {
            while live.count < sequences { try enter() }
            guard let plan = scheduler.schedule() else {
                preconditionFailure("no plan with \(live.count) sequences")
            }
            let samples = plan.spans.filter { $0.sampling != nil }.map { span in
                SampledToken(sequence: span.sequence, token: TokenID(span.firstPosition % 1000 + 1))
            }
            let progress = scheduler.commit(StepResult(number: plan.number, samples: samples))
            for one in progress where one.finish != nil { live.remove(one.id) }
        }
    }

    private mutating func enter() throws {
        let number = entered
        entered += 1
        let length = 48 + number * 37 % 200
        let prompt = (0..<length).map { position in
            TokenID(position < 32 && number % 2 == 0 ? position : (number + position) % 1000)
        }
        let parameters = SamplingParameters(
            temperature: 0, seed: 0, maxTokens: 24 + number * 11 % 64)
        let id = SequenceID(number)
        try scheduler.add(Sequence(id: id, prompt: prompt, parameters: parameters))
        live.insert(id)
    }
}
