// Station 4 and station 11 of the walk: which sequences compute which tokens next, and what a
// step's result means for them. Pure: it takes values and gives values, knows no clock, no thread
// and no tensor, and is driven by one caller at a time.
//
// Source: continuous batching after Orca (OSDI '22), chunked prefill after Sarathi-Serve
// (OSDI '24), paged blocks and recomputation after vLLM (SOSP '23).

/// Plans steps for all sequences and takes their results in.
///
/// Running sequences come first, in order of admission, then waiting ones, in order of arrival but
/// for those that wait for a prefix. Decodes therefore never wait for a prompt: a sequence is
/// admitted only into what those before it leave of a plan, so at most one prompt is computed in
/// part, that of the youngest running.
public struct Scheduler: Sendable {
    /// The limits it works within.
    public let configuration: SchedulerConfiguration
    /// The sequences that hold blocks, in order of admission.
    public internal(set) var running: [Sequence] = []

    var waiting = WaitingQueue()
    var blocks: BlockAllocator
    /// The plans that have not committed, oldest first.
    var plansInFlight: [StepPlan] = []
    /// The names of all running and waiting sequences.
    var names: Set<SequenceID> = []
    var nextArrival: UInt64 = 0
    var nextTurn: UInt64 = 0
    /// The last sequence added whose prompt is no other's.
    var lastLeader: Sequence?
    var nextPlan: UInt64 = 0
    var prefixQueryTokens = 0
    var prefixHitTokens = 0
    var preemptions = 0

    /// Makes a scheduler without sequences. The configuration must be valid.
    public init(_ configuration: SchedulerConfiguration) {
        do { try configuration.validate() } catch { preconditionFailure("\(error)") }
        self.configuration = configuration
        blocks = BlockAllocator(configuration)
    }

    /// Whether any sequence is not yet done.
    public var hasWork: Bool { !names.isEmpty }

    /// Enters a sequence at the end of the queue.
    ///
    /// Throws: when it could never run to its end. A name that is in use is a bug of the caller.
    public mutating func add(_ sequence: Sequence) throws(AdmissionError) {
        precondition(
            sequence.state == .waiting && sequence.blockTable.isEmpty,
            "sequence \(sequence.id) was added with \(sequence.blockTable.count) blocks")
        try configuration.checkFit(
            promptTokens: sequence.prompt.count, maxTokens: sequence.parameters.maxTokens)
        let isNew = names.insert(sequence.id).inserted
        precondition(isNew, "sequence \(sequence.id) was added while it is running or waiting")
        var sequence = sequence
        sequence.arrival = nextArrival
        nextArrival += 1
        follow(&sequence)
        waiting.append(sequence)
    }

    /// Ends a sequence whose client left. Its blocks come back at once, or when the plans in
    /// flight that use them commit; their results for it are dropped.
    public mutating func cancel(_ id: SequenceID) { finish(id, .cancelled) }

    /// Ends a sequence for a reason only the caller knows, such as a stop string. No effect on
    /// one that has ended before.
    public mutating func finish(_ id: SequenceID, _ reason: FinishReason) {
        guard names.contains(id) else { return }
        if waiting.remove(id) {
            names.remove(id)
        } else if let index = running.firstIndex(where: { $0.id == id }),
            running[index].state == .running
        {
            running[index].state = .leaving(reason)
            removeLeavers()
        }
    }
}
