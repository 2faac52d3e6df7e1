// What the engine's loop does when ranks end: their plans are forgotten, their sequences wait for the
// next life of the ranks, and what may be the cause of it all is given up.

import TernPlanning

extension EngineLoop {
    /// Lets sequences wait for ranks that are started again.
    ///
    /// Throws: the cause, where none are.
    mutating func recover(from cause: EngineError) throws(EngineError) {
        try ranks.end(life: life, cause: cause)
        beginAnew(life)
    }

    /// Forgets the plans in flight, which a life that is over took with it, and ends the sequences that
    /// may have ended it.
    mutating func beginAnew(_ number: Int) {
        life = number
        let verdict = suspects.ranksEnded(lockstep.inFlight)
        for sequence in verdict.givenUp { lockstep.finish(sequence, .failed) }
        lockstep.restart(onProbation: verdict.onProbation)
        recorder.loseFlights()
        for sequence in verdict.givenUp {
            guard let generation = generations.removeValue(forKey: sequence) else { continue }
            recorder.end(generation, .failed)
            generation.deliver(
                .output(
                    GenerationOutput(
                        choice: generation.choice, text: "", tokens: [], finish: .failed)))
        }
        recorder.flush(lockstep.counts, to: counters)
    }
}
