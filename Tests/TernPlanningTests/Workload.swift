// A random day of a scheduler: sequences arrive, share beginnings, leave early, and everything is
// checked after each event. The text each one gets is compared with the text foretold.

import TernPlanning

/// The limits and habits of a random workload, drawn from a seed.
struct Workload {
    let configuration: SchedulerConfiguration
    let sequences: [Sequence]
    /// How often, in percent of the events, someone leaves or is ended by the engine.
    let departures: Int
    /// How often, in percent of the events, the ranks are lost and start anew.
    let restarts: Int
    private var random: SeededRandom

    init(
        seed: UInt64, plansInFlight: Int, departures: Int = 3, restarts: Int = 0,
        sequences: Int = 30
    ) {
        var random = SeededRandom(seed: seed)
        let maxSequences = Int.random(in: 1...8, using: &random)
        let blockSize = Int.random(in: 1...6, using: &random)
        let configuration = SchedulerConfiguration(
            maxBatchedTokens: maxSequences + Int.random(in: 0...20, using: &random),
            maxSequences: maxSequences, maxModelLength: Int.random(in: 20...60, using: &random),
            blockSize: blockSize, blockCount: Int.random(in: 40...100, using: &random) / blockSize,
            enablesPrefixCaching: random.happens(percent: 80), maxPlansInFlight: plansInFlight,
            maxLogitRows: maxSequences + Int.random(in: 0...4, using: &random))
        self.configuration = configuration
        self.departures = departures
        self.restarts = restarts
        self.sequences = (0..<sequences).map { Self.sequence($0, &random) }
        self.random = random
    }

    /// A sequence whose beginning others probably share.
    private static func sequence(_ index: Int, _ random: inout SeededRandom) -> Sequence {
        let shared = Array(repeating: TokenID(1), count: Int.random(in: 0...20, using: &random))
        let own = (0..<Int.random(in: 1...12, using: &random)).map { _ in
            TokenID(Int.random(in: 1...2, using: &random))
        }
        let maxTokens = Int.random(in: 1...40, using: &random)
        var adjustments = LogitAdjustments()
        if random.happens(percent: 20) { adjustments.repetitionPenalty = 1.5 }
        if random.happens(percent: 20) { adjustments.presencePenalty = 1 }
        let parameters = SamplingParameters(
            seed: UInt64.random(in: 0...2, using: &random),
            promptLogprobs: random.happens(percent: 30) ? 0 : nil, adjustments: adjustments,
            maxTokens: maxTokens,
            minTokens: Int.random(in: 0...maxTokens, using: &random),
            ignoreEOS: random.happens(percent: 30),
            stopTokenIDs: random.happens(percent: 30) ? [3] : [], endOfSequenceIDs: [0])
        return Sequence(
            id: SequenceID(index * 7 % 1000), prompt: shared + own,
            choice: Int.random(in: 0...1, using: &random), parameters: parameters,
            cacheSalt: ["a", "b", nil, nil].randomElement(using: &random) ?? nil)
    }

    /// Runs all sequences to their ends.
    ///
    /// Throws: what a check found.
    mutating func run() throws -> Outcome {
        var run = Run(configuration)
        var coming = sequences[...]
        while !coming.isEmpty || run.scheduler.hasWork {
            if let next = coming.first, random.happens(percent: 20) || !run.scheduler.hasWork {
                try run.add(next)
                coming.removeFirst()
            } else if random.happens(percent: departures) {
                try run.end(sequences[..<coming.startIndex].randomElement(using: &random)?.id)
            } else if random.happens(percent: restarts) {
                try run.restart()
            } else if random.happens(percent: 70) {
                try run.plan()
            } else {
                try run.commit()
            }
        }
        return run.outcome
    }
}

/// What became of the sequences of a workload.
struct Outcome {
    /// The text foretold for each sequence that was not refused.
    var expected: [SequenceID: (tokens: [TokenID], finish: FinishReason)] = [:]
    var generated: [SequenceID: [TokenID]] = [:]
    var finished: [SequenceID: FinishReason] = [:]
    var departed: Set<SequenceID> = []
    var refused = 0
    var events = 0
    var steps = 0
    var mostPlansInFlight = 0
    var lostPlans = 0
    var counts: SchedulerCounts?
}

/// A scheduler and an executor in the middle of a workload.
private struct Run {
    var scheduler: Scheduler
    var executor: RecordingExecutor
    var outcome = Outcome()
    /// The oldest sequence, which must never lose its blocks while it is that.
    private var oldest: (id: SequenceID, preemptions: Int)?
    /// The prompts that are to be scored.
    private var prompts: [SequenceID: [TokenID]] = [:]

    init(_ configuration: SchedulerConfiguration) {
        scheduler = Scheduler(configuration)
        executor = RecordingExecutor(configuration)
    }

    mutating func add(_ sequence: Sequence) throws {
        do {
            try scheduler.add(sequence)
            executor.add(sequence)
            if sequence.parameters.promptLogprobs != nil {
                prompts[sequence.id] = sequence.prompt
            }
            outcome.expected[sequence.id] = executor.foretell(sequence)
        } catch {
            outcome.refused += 1
        }
        try check()
    }

    /// The client leaves, or the engine finds a stop string; some have ended before.
    mutating func end(_ id: SequenceID?) throws {
        guard let id else { return }
        if id.rawValue.isMultiple(of: 2) {
            scheduler.cancel(id)
        } else {
            scheduler.finish(id, .stop)
        }
        executor.end(id)
        if outcome.finished[id] == nil { outcome.departed.insert(id) }
        try check()
    }

    mutating func plan() throws {
        defer { outcome.mostPlansInFlight = max(outcome.mostPlansInFlight, executor.plans.count) }
        if let plan = scheduler.schedule() {
            outcome.steps += 1
            try executor.submit(plan)
        } else {
            try PlanViolation.check(
                !executor.plans.isEmpty || !scheduler.hasWork,
                "nothing is in flight, yet nothing is planned: \(scheduler.counts)")
        }
        try check()
    }

    mutating func restart() throws {
        outcome.lostPlans += executor.plans.count
        scheduler.restart()
        executor.restart()
        try PlanViolation.check(
            scheduler.running.isEmpty && scheduler.counts.usedBlocks == 0
                && scheduler.counts.cachedBlocks == 0,
            "after a restart: \(scheduler.counts)")
        oldest = nil
        try check()
    }

    mutating func commit() throws {
        guard !executor.plans.isEmpty else { return }
        for progress in scheduler.commit(try executor.nextResult()) {
            try PlanViolation.check(
                !outcome.departed.contains(progress.id) && outcome.finished[progress.id] == nil,
                "sequence \(progress.id) ended but went on")
            try checkScores(progress)
            outcome.generated[progress.id, default: []].append(progress.sample.token)
            guard let finish = progress.finish else { continue }
            outcome.finished[progress.id] = finish
            executor.end(progress.id)
        }
        try check()
    }

    /// A prompt's scores come with its first token, each position's once, and never else.
    private func checkScores(_ progress: SequenceProgress) throws(PlanViolation) {
        guard let prompt = prompts[progress.id] else { return }
        let isFirst = outcome.generated[progress.id] == nil
        let expected = isFirst ? prompt : nil
        try PlanViolation.check(
            progress.promptScores?.map(\.token) == expected.map { Array($0.dropFirst()) }
                && progress.promptScores?.map(\.logprob)
                    == expected.map { $0.indices.dropFirst().map { Float($0) } },
            "sequence \(progress.id): scores \(progress.promptScores as Any)")
    }

    private mutating func check() throws {
        outcome.events += 1
        outcome.counts = scheduler.counts
        try PlanViolation.check(outcome.events < 100_000, "the workload does not end")
        try scheduler.checkIntegrity()
        let first = scheduler.running.first
        if let first, let oldest, first.id == oldest.id {
            try PlanViolation.check(
                first.preemptions == oldest.preemptions, "the oldest sequence was preempted")
        }
        oldest = first.map { ($0.id, $0.preemptions) }
    }
}
