// The events that one loop writes into a trace: a track for what the loop does, one for each mode
// with its steps, and a span for each choice of a request with its phases inside.

import TernJSON
import TernPlanning

/// A loop's part of a trace.
struct LoopTrace: Sendable {
    private enum Track: Int, CaseIterable {
        case loop = 1
        case tensor
        case sequence

        var name: String {
            switch self {
            case .loop: "loop"
            case .tensor: "tensor mode"
            case .sequence: "sequence mode"
            }
        }

        init(_ mode: ParallelMode) {
            switch mode {
            case .tensor: self = .tensor
            case .sequence: self = .sequence
            }
        }
    }

    private let trace: StepTrace
    /// A group of replicas is a process of the trace.
    private let process: Int

    /// Names the tracks.
    init(_ trace: StepTrace, group: Int) {
        self.trace = trace
        process = group + 1
        name("process_name", nil, "replicas \(group)")
        for track in Track.allCases { name("thread_name", track, track.name) }
    }

    private func name(_ what: String, _ track: Track?, _ name: String) {
        trace.add([
            "name": .string(what), "ph": "M", "pid": .integer(process),
            "tid": .integer(track?.rawValue ?? 0), "args": ["name": .string(name)],
        ])
    }

    /// A step was done and drew so many tokens. Where several are in flight, each is shown from the result before it.
    func step(_ step: StepSummary, draws: Int, from start: Moment, to end: Moment) {
        add(
            "\(step.tokens) tokens", Track(step.mode), start, end,
            [
                "step": .integer(Int(clamping: step.number)), "tokens": .integer(step.tokens),
                "sequences": .integer(step.sequences), "draws": .integer(draws),
            ])
    }

    /// The loop was once around; what it does now is the commit's end.
    func loop(began: Moment, handedOver: Moment, result: Moment, _ counts: SchedulerCounts) {
        // With nothing new to hand over, the loop went on waiting.
        let waited = max(began, handedOver)
        if handedOver > began { add("schedule", .loop, began, handedOver) }
        add("wait", .loop, waited, result)
        add("commit", .loop, result, .now)
        trace.add([
            "name": "sequences", "ph": "C", "ts": trace.time(result), "pid": .integer(process),
            "args": ["running": .integer(counts.running), "waiting": .integer(counts.waiting)],
        ])
    }

    private func add(
        _ name: String, _ track: Track, _ start: Moment, _ end: Moment, _ details: JSON = [:]
    ) {
        trace.add([
            "name": .string(name), "ph": "X", "ts": trace.time(start),
            "dur": .number(start.seconds(to: end) * 1e6), "pid": .integer(process),
            "tid": .integer(track.rawValue), "args": details,
        ])
    }

    /// A choice has ended: its span, with its time in the queue, in prefill and in decode.
    func request(_ generation: Generation, _ reason: FinishReason) {
        let times = generation.timeline
        let end = times.lastToken.map { reason == .cancelled ? .now : $0 } ?? .now
        let name = generation.label ?? "request \(generation.request)"
        let id = "\(generation.request).\(generation.choice)"
        span(
            name, id, times.entered, end,
            ["tokens": .integer(times.tokens), "finish": .string(reason.rawValue)])
        span("queue", id, times.entered, times.scheduled ?? end)
        guard let scheduled = times.scheduled else { return }
        span("prefill", id, scheduled, times.firstToken ?? end)
        guard let first = times.firstToken else { return }
        span("decode", id, first, end)
    }

    private func span(
        _ name: String, _ id: String, _ start: Moment, _ end: Moment, _ details: JSON = [:]
    ) {
        for (phase, moment) in [("b", start), ("e", end)] {
            trace.add([
                "name": .string(name), "cat": "request", "ph": .string(phase), "id": .string(id),
                "ts": trace.time(moment), "pid": .integer(process),
                "tid": .integer(Track.loop.rawValue), "args": phase == "b" ? details : [:],
            ])
        }
    }
}
