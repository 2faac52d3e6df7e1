// The threshold of the shift, measured at start on ranks that are ready: both modes on a few layers
// and within a budget. How the ladder of token counts is climbed is ShiftClimb's, the fit ShiftFit's,
// the timing StepTimer's.

import TernModel
import TernPlanning

/// How the threshold is measured.
enum ShiftMeasurement {
    /// Layers of each stage that are run.
    private static let layers = 2
    /// What the measurement may take.
    private static let budget = Duration.seconds(2)

    /// Whether the threshold is to be measured: there must be two modes to choose from.
    static func isNeeded(_ configuration: EngineConfiguration) -> Bool {
        configuration.shift == .automatic && configuration.topology.sequenceParallelSize > 1
    }

    /// Measures on ranks that are ready.
    ///
    /// Throws: `EngineError` where a rank failed.
    static func fit(
        _ executors: [LocalExecutor], _ configuration: EngineConfiguration, _ settled: ModelStages
    ) throws(EngineError) -> ShiftFit {
        let timer = StepTimer(executors, configuration, settled, layers: layers)
        let start = ContinuousClock.now
        var climb = ShiftClimb(
            budget: budget, elapsed: { start.duration(to: .now) }, seconds: timer.seconds)
        return try climb.fit(timer.ladder)
    }
}
