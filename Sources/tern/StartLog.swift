// What `tern serve` says while it starts: each report of the engine as it comes, then what was settled,
// a line each. It measures the time of the load, and nothing else.

import Synchronization
import TernEngine
import TernPlanning
import TernServer

/// The lines of one start.
///
/// Thread: any.
final class StartLog: Sendable {
    private let format: LogFormat
    /// From the memory sum, which comes before the load, to the last weight.
    private let load = Mutex<(start: ContinuousClock.Instant, end: ContinuousClock.Instant)?>(nil)

    init(_ format: LogFormat) { self.format = format }

    /// Shows a step of a start.
    func show(_ report: StartReport) {
        switch report {
        case .memory: load.withLock { $0 = $0 ?? (.now, .now) }
        case .loading: load.withLock { $0?.end = .now }
        case .note: break
        }
        switch (format, report) {
        case (.text, _): EngineFlags.show(report, isQuiet: false)
        case (.json, .memory(let memory)):
            for line in memory.lines { Console.note(format.line(line)) }
        case (.json, .note(let line)): Console.note(format.line(line))
        // How far a load is, is for eyes only.
        case (.json, .loading): break
        }
    }

    /// What an engine that is ready has settled.
    func summary(of engine: Engine, _ topology: Topology) -> [String] {
        let time = load.withLock { $0.map { $0.start.duration(to: $0.end) } ?? .zero }
        let tenths = Int((time / .milliseconds(100)).rounded())
        var lines = [
            "weights: \(MemoryPlan.text(engine.memory.weightBytes)) a rank, loaded in "
                + "\(tenths / 10).\(tenths % 10) s",
            "topology: " + Self.text(topology),
        ]
        // A measurement has said so itself.
        if topology.sequenceParallelSize > 1 && engine.shiftFit == nil {
            lines.append("shift: " + Self.text(engine.shiftPolicy))
        }
        return lines
    }

    private static func text(_ topology: Topology) -> String {
        let ranks = topology.worldSize == 1 ? "1 rank" : "\(topology.worldSize) ranks"
        let outer = [("-dp", topology.dataParallelSize), ("-pp", topology.pipelineParallelSize)]
        let inner = [
            ("-sp", topology.sequenceParallelSize), ("-tp", topology.tensorParallelSize),
        ]
        let flags = (outer.filter { $0.1 > 1 } + inner).map { "\($0.0) \($0.1)" }
        let experts = topology.expertGroup.map { ", experts divided over \($0.rawValue)" } ?? ""
        return "\(ranks), " + flags.joined(separator: " ") + experts
    }

    private static func text(_ policy: ShiftPolicy) -> String {
        switch policy.rule {
        case .threshold(let tokens):
            "tensor mode up to \(tokens) tokens, sequence mode beyond"
        case .pinned(let mode): "\(mode.rawValue) mode in every step"
        }
    }
}
