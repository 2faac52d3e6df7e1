// What `tern top` shows, as lines of text: one screen where there is a terminal, one line for each
// interval where there is none. It draws; it fetches nothing and moves no cursor.

/// The figures of one interval.
struct TopFrame {
    let promptRate: Double
    let generationRate: Double
    let running: Int
    let waiting: Int
    /// From 0 to 1.
    let cacheUsage: Double
    /// Share of the steps in sequence mode, from 0 to 1; nil where there was no step.
    let sequenceShare: Double?
    let stepRate: Double
    let shifts: Int
    /// Median and 99th percentile in seconds, of what ended in the interval.
    let latencies: [(name: String, median: Double?, worst: Double?)]

    /// What was between two pages, so many seconds apart.
    init(from before: MetricsSample, to after: MetricsSample, seconds: Double) {
        let grown = after.grown(since: before)
        promptRate = grown["vllm:prompt_tokens_total"] / seconds
        generationRate = grown["vllm:generation_tokens_total"] / seconds
        running = Int(after["vllm:num_requests_running"])
        waiting = Int(after["vllm:num_requests_waiting"])
        cacheUsage = after["vllm:kv_cache_usage_perc"]
        let sequence = grown["tern:steps_total", "mode", "sequence"]
        let steps = sequence + grown["tern:steps_total", "mode", "tensor"]
        sequenceShare = steps > 0 ? sequence / steps : nil
        stepRate = steps / seconds
        shifts = Int(grown["tern:shifts_total"])
        latencies = [
            ("first token", "vllm:time_to_first_token_seconds"),
            ("next token", "vllm:inter_token_latency_seconds"),
            ("whole request", "vllm:e2e_request_latency_seconds"),
        ].map { ($0.0, grown.quantile(0.5, of: $0.1), grown.quantile(0.99, of: $0.1)) }
    }

    /// One line, for a log.
    var line: String {
        let first = latencies.first.flatMap(\.median).map { "\(Self.time($0))" } ?? "-"
        let mode = sequenceShare.map { "\(Int(($0 * 100).rounded())) %" } ?? "-"
        return "prompt \(Self.count(promptRate))/s  generated \(Self.count(generationRate))/s  "
            + "running \(running)  waiting \(waiting)  KV \(Self.percent(cacheUsage))  "
            + "TTFT \(first)  sequence mode \(mode)  shifts \(shifts)"
    }

    /// The screen for the last of some frames, no line wider than the terminal.
    static func screen(_ frames: [TopFrame], title: String, width: Int) -> [String] {
        guard let last = frames.last else { return [] }
        let room = max(10, width - 18)
        let recent = Array(frames.suffix(room))
        let most = recent.map(\.generationRate).max() ?? 0
        let rates = recent.map { most > 0 ? $0.generationRate / most : 0 }
        var lines = [
            title, "",
            "  prompt tokens   \(count(last.promptRate))/s",
            "  generated       \(count(last.generationRate))/s",
            "  requests        \(last.running) running, \(last.waiting) waiting",
            "  KV cache        \(bar(last.cacheUsage, width: min(30, room - 8))) "
                + percent(last.cacheUsage),
            "  steps           \(count(last.stepRate))/s, \(last.shifts) shifts", "",
            "                  median      99 %",
        ]
        for latency in last.latencies {
            let median = latency.median.map { time($0) } ?? "-"
            let worst = latency.worst.map { time($0) } ?? "-"
            lines.append("  " + padded(latency.name, 16) + padded(median, 12) + worst)
        }
        lines += [
            "", "  generated       " + rates.map { block($0) }.joined(),
            "  sequence mode   " + recent.map { $0.sequenceShare.map(block) ?? " " }.joined(),
            "  tensor mode     "
                + recent.map { $0.sequenceShare.map { block(1 - $0) } ?? " " }.joined(),
            "", "  q ends",
        ]
        return lines.map { String($0.prefix(width)) }
    }

    /// A share as one of nine heights; what is not nothing is seen.
    private static func block(_ share: Double) -> String {
        let heights = Array(" ▁▂▃▄▅▆▇█")
        let level = Int((share * 8).rounded(.up))
        return String(heights[min(8, max(0, level))])
    }

    private static func bar(_ share: Double, width: Int) -> String {
        let filled = min(width, max(0, Int((share * Double(width)).rounded())))
        return "[" + String(repeating: "#", count: filled)
            + String(repeating: ".", count: max(0, width - filled)) + "]"
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(1, width - text.count))
    }

    private static func percent(_ share: Double) -> String { decimal(share * 100) + " %" }
    private static func count(_ value: Double) -> String { decimal(value) }

    private static func time(_ seconds: Double) -> String {
        seconds < 1 ? decimal(seconds * 1000) + " ms" : decimal(seconds) + " s"
    }

    private static func decimal(_ value: Double) -> String {
        let scaled = Int((value * 10).rounded())
        return "\(scaled / 10).\(scaled % 10)"
    }
}
