// The threshold of the shift, measured at start: both modes up a ladder of token counts, on a few
// layers and within a budget. The fit is ShiftFit's, the timing StepTimer's.

import TernModel
import TernPlanning

/// How the threshold is measured.
enum ShiftMeasurement {
    /// Layers of each stage that are run.
    private static let layers = 2
    /// Measurements of each mode at each rung.
    private static let repetitions = 5
    /// What the measurement may take.
    private static let budget = Duration.seconds(2)

    /// Whether the threshold is to be measured: there must be two modes to choose from.
    static func isNeeded(_ configuration: EngineConfiguration) -> Bool {
        configuration.shift == .automatic && configuration.topology.sequenceParallelSize > 1
    }

    /// Climbs until the budget is spent or sequence mode has won at two rungs in a row.
    ///
    /// Throws: `EngineError` where a rank failed.
    static func fit(
        _ executors: [LocalExecutor], _ configuration: EngineConfiguration, _ settled: ModelStages
    ) throws(EngineError) -> ShiftFit {
        let timer = StepTimer(executors, configuration, settled, layers: layers)
        let clock = ContinuousClock()
        let end = clock.now + budget
        var rungs: [ShiftRung] = []
        var last = Duration.zero
        for tokens in timer.ladder {
            let start = clock.now
            // A rung has at most twice the tokens of the one below it.
            guard start + last * 2 < end else { break }
            rungs.append(try rung(timer, tokens: tokens))
            last = start.duration(to: clock.now)
            let latest = rungs.suffix(2)
            if latest.count == 2 && latest.allSatisfy({ $0.faster == .sequence }) { break }
        }
        return ShiftFit(rungs)
    }

    /// Both modes by turns, so that what disturbs the machine disturbs both; the first turn, which
    /// touches memory for the first time, does not count.
    private static func rung(
        _ timer: StepTimer, tokens: Int
    ) throws(EngineError) -> ShiftRung {
        var tensor: [Double] = []
        var sequence: [Double] = []
        for _ in 0...repetitions {
            tensor.append(try timer.seconds(.tensor, tokens: tokens))
            sequence.append(try timer.seconds(.sequence, tokens: tokens))
        }
        return ShiftRung(
            tokens: tokens, tensor: Array(tensor.dropFirst()),
            sequence: Array(sequence.dropFirst()))
    }
}
