// Stations 4 and 11 when the ranks are gone, and their cache and the plans in flight with them: what is
// known of the sequences stays, and that is enough to compute the rest again. Who starts new ranks
// is the engine's concern.

extension Scheduler {
    /// Begins anew on ranks whose cache is empty. Plans in flight are forgotten; running sequences
    /// return to the queue's front, in order, with the tokens they have; those that were leaving are
    /// gone. What is drawn again is what would have been drawn.
    ///
    /// Of the sequences on probation one runs at a time, beside others, until it has computed more than
    /// so many tokens: if ranks end again, it is known whose plan it was.
    ///
    /// Cost: linear in the running sequences and in the blocks.
    public mutating func restart(onProbation: [SequenceID: Int] = [:]) {
        plansInFlight = []
        blocks = BlockAllocator(configuration)
        for var sequence in running.reversed() {
            guard sequence.state == .running else {
                names.remove(sequence.id)
                continue
            }
            sequence.forgetCache()
            sequence.probation = onProbation[sequence.id]
            waiting.putBack(sequence)
        }
        running = []
    }
}

extension Scheduler {
    /// Whether a sequence has to wait until another has stood its probation.
    func awaitsProbation(_ sequence: Sequence) -> Bool {
        sequence.probation != nil && running.contains { $0.probation != nil }
    }
}

extension Sequence {
    /// Ends a probation that it has stood.
    mutating func reviewProbation() {
        if let place = probation, computedCount > place { probation = nil }
    }

    /// Waits with its tokens and nothing else.
    fileprivate mutating func forgetCache() {
        state = .waiting
        blockTable = []
        computedCount = 0
        scheduledCount = 0
        plansInFlight = 0
        prefix = .root(salt: cacheSalt)
    }
}
