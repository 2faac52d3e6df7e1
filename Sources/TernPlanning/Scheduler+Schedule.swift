// Station 4 of the walk: the next plan. Running sequences continue, waiting ones are admitted,
// and when blocks run out the youngest gives up its own. It computes nothing and waits for
// nothing: without anything to plan it says so at once.

extension Scheduler {
    /// Plans the next step; nil when nothing can be computed before another plan commits or
    /// another sequence is added, or when as many plans are in flight as may be. While there is
    /// work and nothing is in flight, there is a plan.
    ///
    /// Cost: linear in the running sequences and in the tokens planned.
    public mutating func schedule() -> StepPlan? {
        guard plansInFlight.count < configuration.maxPlansInFlight else { return nil }
        var draft = PlanDraft(
            budget: configuration.maxBatchedTokens, rows: configuration.maxLogitRows)
        draft.spans.reserveCapacity(running.count)
        if continueRunning(&draft) { admitWaiting(&draft) }
        guard !draft.spans.isEmpty else { return nil }
        return launch(draft.spans)
    }

    /// A plan of nothing, for a step in which only other replicas compute. It is in flight and
    /// committed like any other.
    mutating func idle() -> StepPlan { launch([]) }

    private mutating func launch(_ spans: [SequenceSpan]) -> StepPlan {
        let plan = StepPlan(number: nextPlan, spans: spans)
        nextPlan += 1
        plansInFlight.append(plan)
        return plan
    }

    /// Gives every running sequence a span, except those whose next token is being drawn and
    /// those that leave. False when it had to leave one out that could go on: nobody overtakes it.
    private mutating func continueRunning(_ draft: inout PlanDraft) -> Bool {
        let share = shareOfRunning
        var index = 0
        while index < running.count && !draft.isFull {
            if running[index].isRunnable {
                guard draft.spans.count < share, makeRoom(at: index) else { return false }
                draft.append(spanOf: &running[index])
            }
            index += 1
        }
        return true
    }

    /// The most running sequences that this plan continues. Where several plans may fly, those
    /// that can go on are divided over the plans that may still be handed over: all in the first,
    /// they would leave the other stages of a pipeline idle.
    private var shareOfRunning: Int {
        guard configuration.maxPlansInFlight > 1 else { return running.count }
        let plans = configuration.maxPlansInFlight - plansInFlight.count
        return (running.count { $0.isRunnable } + plans - 1) / plans
    }

    /// Admits waiting sequences. One block stays available for each running sequence, so that
    /// a new one does not lose its own at the next step. A preemption leaves less than its victim
    /// held, so the victim returns in the same step only if others hold a part of its prefix.
    private mutating func admitWaiting(_ draft: inout PlanDraft) {
        var held: [Sequence] = []
        defer { for sequence in held.reversed() { waiting.putBack(sequence) } }
        while !draft.isFull, running.count < configuration.maxSequences,
            held.count < configuration.maxSequences, var sequence = waiting.popFirst()
        {
            if awaitsPrefix(sequence) {
                held.append(sequence)
                continue
            }
            guard !awaitsProbation(sequence), blocks.admit(&sequence, headroom: running.count)
            else {
                waiting.putBack(sequence)
                return
            }
            countPrefix(of: sequence)
            sequence.state = .running
            sequence.leader = nil
            if sequence.turn == nil {
                sequence.turn = nextTurn
                nextTurn += 1
            }
            draft.append(spanOf: &sequence)
            running.append(sequence)
        }
    }

    /// Finds blocks for all known tokens of a running sequence, preempting the youngest ones as
    /// long as they are younger. False when it has to keep what it has and wait: for an older one
    /// to end, or for the youngest, whose blocks its plans in flight still use, to commit.
    private mutating func makeRoom(at index: Int) -> Bool {
        while !blocks.grow(&running[index]) {
            let youngest = running.count - 1
            guard index < youngest && running[youngest].plansInFlight == 0 else { return false }
            preemptYoungest()
        }
        return true
    }

    /// Takes the blocks from the youngest running sequence and puts it back to the queue's
    /// front; later it computes its prompt and what it generated again.
    private mutating func preemptYoungest() {
        var youngest = running.removeLast()
        blocks.release(&youngest)
        youngest.state = .waiting
        youngest.preemptions += 1
        preemptions += 1
        waiting.putBack(youngest)
    }

    /// Counts what the prefix cache spared a sequence at its first admission. Later ones find
    /// the sequence's own blocks, which would flatter the cache.
    private mutating func countPrefix(of sequence: Sequence) {
        guard configuration.enablesPrefixCaching, sequence.turn == nil else { return }
        prefixQueryTokens += sequence.tokenCount
        prefixHitTokens += sequence.computedCount
    }
}

/// A plan in the making.
private struct PlanDraft {
    /// Tokens that may still be added.
    var budget: Int
    /// Rows of logits that may still be asked for.
    var rows: Int
    var spans: [SequenceSpan] = []

    /// Whether nothing may be added.
    var isFull: Bool { budget == 0 || rows == 0 }

    /// Adds as many unscheduled tokens of a sequence as tokens and rows allow. Where rows cut it
    /// short, the plan is full, as where tokens do: nobody is computed after half a prompt.
    mutating func append(spanOf sequence: inout Sequence) {
        let affordable = min(sequence.unscheduledCount, budget)
        let count = sequence.spanLength(affordable, rows: rows)
        let range = sequence.scheduledCount..<sequence.scheduledCount + count
        let draws = range.upperBound == sequence.tokenCount
        let span = SequenceSpan(
            sequence: sequence.id, tokens: sequence.tokens(in: range),
            firstPosition: range.lowerBound, blockTable: sequence.blockTable,
            sampling: draws ? sequence.samplingStep : nil,
            scoring: sequence.scoringStep(in: range))
        rows -= span.logitRows
        spans.append(span)
        sequence.scheduledCount = range.upperBound
        sequence.plansInFlight += 1
        budget = count < affordable ? 0 : budget - count
    }
}
