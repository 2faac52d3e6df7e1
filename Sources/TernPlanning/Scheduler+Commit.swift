// Station 11 of the walk: a step's result is taken in. Sequences grow by their tokens, full
// blocks become findable, and who reached an end leaves. Text is not seen here: a stop string is
// the engine's to find.

extension Scheduler {
    /// Takes in the result of the oldest plan in flight and tells how each sequence that drew a
    /// token goes on. What was drawn for a sequence that has ended meanwhile is dropped.
    ///
    /// Results come in plan order with one sample for each sampling span; anything else is a bug
    /// of the executor.
    ///
    /// Cost: linear in the running sequences.
    public mutating func commit(_ result: StepResult) -> [SequenceProgress] {
        precondition(
            plansInFlight.first?.number == result.number,
            "result of plan \(result.number), expected \(plansInFlight.first?.number ?? nextPlan)")
        let plan = plansInFlight.removeFirst()
        var samples = result.samples.makeIterator()
        var scores = result.scores.makeIterator()
        var progress: [SequenceProgress] = []
        progress.reserveCapacity(result.samples.count)
        // Spans and running sequences are both in order of admission, and nobody leaves `running`
        // while in flight.
        var index = 0
        // Spans by their place: a copy retains all that one holds.
        for place in plan.spans.indices {
            let name = plan.spans[place].sequence
            while running[index].id != name { index += 1 }
            blocks.markComputed(plan.spans[place].positions.upperBound, of: &running[index])
            running[index].plansInFlight -= 1
            running[index].reviewProbation()
            if let scoring = plan.spans[place].scoring {
                running[index].take(scores.next(), of: scoring)
            }
            guard plan.spans[place].sampling != nil else { continue }
            let sample = samples.next()
            guard let sample, sample.sequence == name else {
                preconditionFailure("sample \(sample as Any), expected one for \(name)")
            }
            guard running[index].state == .running else { continue }
            let finish = running[index].append(
                sample.token, maxModelLength: configuration.maxModelLength)
            progress.append(
                SequenceProgress(
                    id: name, sample: sample, finish: finish,
                    promptScores: running[index].scoresToTell))
        }
        let surplus = samples.next()
        precondition(surplus == nil, "a sample for \(surplus as Any), expected no more")
        precondition(scores.next() == nil, "scores of more spans than the plan has")
        removeLeavers()
        return progress
    }

    /// Frees the blocks of the sequences that ended and are in no plan in flight.
    mutating func removeLeavers() {
        for index in running.indices where running[index].isGone {
            blocks.release(&running[index])
            names.remove(running[index].id)
        }
        running.removeAll { $0.isGone }
    }
}

extension Sequence {
    /// Takes in the scores of a part of its prompt.
    fileprivate mutating func take(_ new: SequenceScores?, of step: ScoringStep) {
        guard let new, new.sequence == id, new.tokens.count == step.targets.count else {
            preconditionFailure(
                "scores \(new as Any), expected \(step.targets.count) for sequence \(id)")
        }
        scores += new.tokens
    }

    /// The prompt's scores, with the first token.
    fileprivate var scoresToTell: [ScoredToken]? {
        parameters.promptLogprobs != nil && generated.count == 1 ? scores : nil
    }

    /// Appends a drawn token and leaves if it is the last one.
    mutating func append(_ token: TokenID, maxModelLength: Int) -> FinishReason? {
        let mayStop = !forbidsStop
        generated.append(token)
        let finish: FinishReason? =
            if mayStop && parameters.stops(at: token) {
                .stop
            } else if generated.count >= parameters.maxTokens || tokenCount >= maxModelLength {
                .length
            } else {
                nil
            }
        if let finish { state = .leaving(finish) }
        return finish
    }
}
