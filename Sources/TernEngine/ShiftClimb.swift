// The climb up a ladder of token counts that the threshold of the shift is fitted to: which steps are
// timed, how often, and when it is enough. It is handed a clock and a timer, and knows no ranks.

import TernPlanning

/// Times both modes up a ladder, within a budget.
///
/// Nothing is begun that would not end in time if it took what the last of its kind took, so the
/// budget is exceeded by what one turn takes longer than that.
struct ShiftClimb {
    /// Measurements of each mode at each rung. The spread of the middle half of seven is wide
    /// enough that equal modes look different at one rung in 25; with five, at one in four.
    static let repetitions = 7
    /// So many will do where the modes clearly differ. A rung with fewer is dropped, for its noise
    /// is unknown.
    static let leastRepetitions = 3
    /// Modes clearly differ by so many times the noise.
    private static let clearMargin = 3.0

    /// What the climb may take.
    let budget: Duration
    /// The time since its start.
    let elapsed: () -> Duration
    /// Runs a step of so many tokens and tells its time.
    let seconds: (ParallelMode, Int) throws(EngineError) -> Double
    /// What the last turn took: one step in each mode.
    private var turn = Duration.zero

    init(
        budget: Duration, elapsed: @escaping () -> Duration,
        seconds: @escaping (ParallelMode, Int) throws(EngineError) -> Double
    ) {
        self.budget = budget
        self.elapsed = elapsed
        self.seconds = seconds
    }

    /// Climbs until the budget is spent or sequence mode has won at two rungs in a row.
    mutating func fit(_ ladder: [Int]) throws(EngineError) -> ShiftFit {
        var rungs: [ShiftRung] = []
        for tokens in ladder {
            // A rung has at most twice the tokens of the one below it.
            let least = turn * 2 * (Self.leastRepetitions + 1)
            guard elapsed() + least <= budget, let rung = try measure(tokens) else { break }
            rungs.append(rung)
            let latest = rungs.suffix(2)
            if latest.count == 2 && latest.allSatisfy({ $0.faster == .sequence }) { break }
        }
        return ShiftFit(rungs, measuredIn: elapsed())
    }

    /// Both modes by turns, so that what disturbs the machine disturbs both; the first turn, which
    /// touches memory for the first time, does not count. Nil where the budget does not suffice.
    private mutating func measure(_ tokens: Int) throws(EngineError) -> ShiftRung? {
        var (tensor, sequence) = ([Double](), [Double]())
        var rung: ShiftRung?
        for repetition in 0...Self.repetitions where repetition == 0 || elapsed() + turn <= budget {
            let start = elapsed()
            let times = (try seconds(.tensor, tokens), try seconds(.sequence, tokens))
            turn = elapsed() - start
            guard repetition > 0 else { continue }
            tensor.append(times.0)
            sequence.append(times.1)
            guard repetition >= Self.leastRepetitions else { continue }
            let measured = ShiftRung(tokens: tokens, tensor: tensor, sequence: sequence)
            rung = measured
            if measured.isClear(beyond: Self.clearMargin) { break }
        }
        return rung
    }
}

extension ShiftRung {
    /// Whether the medians differ by more than so many times the noise.
    fileprivate func isClear(beyond margin: Double) -> Bool {
        abs(tensor.median - sequence.median) > margin * (tensor.deviation + sequence.deviation)
    }
}
