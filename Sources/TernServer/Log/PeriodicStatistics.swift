// The line that is written every ten seconds while there is something to tell: rates since the line
// before, and the state of the moment. An idle server says nothing.

import TernEngine
import TernJSON
import TernPlanning

/// Makes lines of snapshots of the metrics.
struct PeriodicStatistics {
    private var before: EngineMetrics
    private var time: ContinuousClock.Instant

    /// Begins to count.
    init(_ metrics: EngineMetrics, at time: ContinuousClock.Instant) {
        before = metrics
        self.time = time
    }

    /// The figures since the last call; nil where nothing was computed and nothing waits.
    mutating func fields(
        _ metrics: EngineMetrics, at now: ContinuousClock.Instant
    ) -> [JSONObject.Member]? {
        defer { (before, time) = (metrics, now) }
        let seconds = time.duration(to: now) / .seconds(1)
        let counts = metrics.scheduler
        let steps = ParallelMode.allCases.map { mode in
            (mode, (metrics.stepsByMode[mode] ?? 0) - (before.stepsByMode[mode] ?? 0))
        }
        let allSteps = steps.reduce(0) { $0 + $1.1 }
        let present = (counts?.running ?? 0) + (counts?.waiting ?? 0)
        guard allSteps > 0 || present > 0, seconds > 0 else { return nil }
        func rate(_ count: KeyPath<EngineMetrics, Int>) -> JSON {
            tenths(Double(metrics[keyPath: count] - before[keyPath: count]) / seconds)
        }
        var fields: [JSONObject.Member] = [
            ("prompt_tokens_per_s", rate(\.promptTokens)),
            ("generation_tokens_per_s", rate(\.generatedTokens)),
            ("running", .integer(counts?.running ?? 0)),
            ("waiting", .integer(counts?.waiting ?? 0)),
            ("kv_percent", tenths(100 * (counts?.cacheUsage ?? 0))),
        ]
        for (mode, count) in steps {
            let percent = 100 * Double(count) / Double(max(1, allSteps))
            fields.append(("\(mode.rawValue)_steps_percent", tenths(percent)))
        }
        return fields
    }

    private func tenths(_ value: Double) -> JSON { .number((value * 10).rounded() / 10) }
}
