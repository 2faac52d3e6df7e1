// A throughput report for a person. For programs, the command writes JSON.

extension ThroughputReport {
    /// Rates, times, counts and shares, in lines.
    public var table: String {
        let hits = counts.prefixHitTokens
        var lines = [
            "\(requests.count) requests, \(promptTokens) tokens in, \(outputTokens) out, "
                + "in \(elapsed.text(decimals: 2)) s",
            "  \(perSecond(requests.count).text(decimals: 2)) requests/s; tokens/s: "
                + "\(perSecond(promptTokens).text(decimals: 1)) prompt, "
                + "\(perSecond(outputTokens).text(decimals: 1)) output, "
                + "\(perSecond(promptTokens + outputTokens).text(decimals: 1)) total",
            "             p50 ms      p90 ms      p99 ms",
            row("TTFT", timeToFirstToken),
        ]
        if let timePerOutputToken { lines.append(row("TPOT", timePerOutputToken)) }
        lines += [
            row("end to end", endToEnd),
            "  \(counts.allSteps) steps, \(counts.preemptions) preemptions, "
                + "\(hits) of \(counts.prefixQueryTokens) prompt tokens from the prefix cache",
        ]
        if shifts {
            lines.append(
                "  steps in tensor mode \(percent(counts.share(of: .tensor))) %, "
                    + "in sequence mode \(percent(counts.share(of: .sequence))) %")
        }
        lines.append(
            "  \(percent(shareOfPeak)) % of the fp32 FMA peak "
                + "(\(Int(rates.operationsPerSecond / 1e9)) GFLOP/s), "
                + "\(percent(shareOfReadLimit)) % of the memory-read limit "
                + "(\((rates.readBytesPerSecond / 1e9).text(decimals: 1)) GB/s)")
        return lines.joined(separator: "\n") + "\n"
    }

    private func row(_ title: String, _ times: Percentiles) -> String {
        let cells = [0.5, 0.9, 0.99].map { (times.at($0) * 1000).text(decimals: 1) }
        let name = title + String(repeating: " ", count: max(0, 10 - title.count))
        return "  " + name
            + cells.enumerated().map { index, cell in
                String(repeating: " ", count: max(1, (index == 0 ? 7 : 12) - cell.count)) + cell
            }.joined()
    }

    private func percent(_ share: Double) -> String { (share * 100).text(decimals: 1) }
}
