// Station 4 for replicas that step together: each step has a plan for every replica, an empty one
// where there is nothing to compute, and one mode for all of them, which is chosen here. A replica on
// its own is the same with one scheduler.

/// The schedulers of replicas that step together.
///
/// Sequences have names that are unique among all of them. Driven by one caller at a time.
public struct Lockstep: Sendable {
    private var schedulers: [Scheduler]
    private let policy: ShiftPolicy

    /// So many schedulers without sequences, all within the same limits, which must be valid.
    public init(replicas: Int, _ configuration: SchedulerConfiguration, policy: ShiftPolicy) {
        precondition(replicas >= 1, "\(replicas) replicas, expected at least 1")
        schedulers = Array(repeating: Scheduler(configuration), count: replicas)
        self.policy = policy
    }

    /// Whether any sequence is not yet done.
    public var hasWork: Bool { schedulers.contains { $0.hasWork } }

    /// The state of all schedulers together.
    public var counts: SchedulerCounts {
        schedulers.dropFirst().reduce(schedulers[0].counts) { $0 + $1.counts }
    }

    /// Enters a sequence at the end of a replica's queue.
    ///
    /// Throws: when it could never run to its end.
    public mutating func add(_ sequence: Sequence, to replica: Int) throws(AdmissionError) {
        try schedulers[replica].add(sequence)
    }

    /// Ends a sequence, wherever it is; see `Scheduler.finish`.
    public mutating func finish(_ id: SequenceID, _ reason: FinishReason) {
        for replica in schedulers.indices { schedulers[replica].finish(id, reason) }
    }

    /// The plans of the next step, one for each replica; nil when none of them can plan now. The
    /// mode is that of the largest plan, for whoever shares experts has to meet in the same groups.
    ///
    /// Cost: linear in the running sequences and in the tokens planned.
    public mutating func schedule() -> [StepPlan]? {
        let plans = schedulers.indices.map { schedulers[$0].schedule() }
        guard let most = plans.compactMap({ $0?.tokenCount }).max() else { return nil }
        let mode = policy.mode(tokens: most)
        return plans.indices.map { replica in
            var plan = plans[replica] ?? schedulers[replica].idle()
            plan.mode = mode
            return plan
        }
    }

    /// Takes in a replica's result of its oldest plan in flight; see `Scheduler.commit`.
    public mutating func commit(_ result: StepResult, of replica: Int) -> [SequenceProgress] {
        schedulers[replica].commit(result)
    }

    /// The sequences in plans in flight, each with the tokens it had computed before them.
    public var inFlight: [SequenceID: Int] {
        var places: [SequenceID: Int] = [:]
        for scheduler in schedulers {
            for sequence in scheduler.running where sequence.plansInFlight > 0 {
                places[sequence.id] = sequence.computedCount
            }
        }
        return places
    }

    /// Begins anew on ranks that are new; see `Scheduler.restart`.
    public mutating func restart(onProbation: [SequenceID: Int] = [:]) {
        for replica in schedulers.indices {
            schedulers[replica].restart(onProbation: onProbation)
        }
    }

    /// Checks the tables of all schedulers; see `Scheduler.checkIntegrity`.
    ///
    /// Throws: the first contradiction found.
    public func checkIntegrity() throws(IntegrityError) {
        for scheduler in schedulers { try scheduler.checkIntegrity() }
    }
}
