import TernBench
import TernPlanning
import Testing

@Suite("Throughput report")
struct ThroughputReportTests {
    private func report(shifts: Bool = true, outputTokens: Int = 5) -> ThroughputReport {
        func times(_ arrival: Double, _ first: Double, _ end: Double) -> RequestTimes {
            RequestTimes(
                .init(promptTokens: 30, outputTokens: outputTokens, arrival: arrival),
                firstToken: first, end: end)
        }
        return ThroughputReport(
            requests: [times(1, 1.5, 3.5), times(2, 4, 6)],
            counts: RunCounts(
                steps: [.tensor: 3, .sequence: 1], preemptions: 2, prefixQueryTokens: 60,
                prefixHitTokens: 16),
            shifts: shifts, work: RunWork(operations: 2e9, bytes: 1e9),
            rates: MachineRates(readBytesPerSecond: 2e9, operationsPerSecond: 1e9))
    }

    @Test("Rates count from the first arrival to the last token, latencies from each arrival")
    func figures() {
        let report = report()
        #expect(report.elapsed == 5)
        #expect(report.perSecond(report.requests.count) == 0.4)
        #expect(report.perSecond(report.promptTokens) == 12)
        #expect(report.perSecond(report.outputTokens) == 2)
        #expect(report.timeToFirstToken.minimum == 0.5 && report.timeToFirstToken.maximum == 2)
        #expect(report.endToEnd.minimum == 2.5 && report.endToEnd.maximum == 4)
        #expect(report.timePerOutputToken?.maximum == 0.5)
        #expect(report.shareOfPeak == 0.4 && report.shareOfReadLimit == 0.1)
        #expect(report.counts.allSteps == 4 && report.counts.share(of: .tensor) == 0.75)
    }

    @Test("Requests of one token have no time per output token")
    func oneToken() {
        let report = report(outputTokens: 1)
        #expect(report.timePerOutputToken == nil)
        #expect(!report.table.contains("TPOT"))
    }

    @Test("The table tells every figure, and the modes only where ranks shift")
    func table() {
        let table = report().table
        #expect(
            table == """
                2 requests, 60 tokens in, 10 out, in 5.00 s
                  0.40 requests/s; tokens/s: 12.0 prompt, 2.0 output, 14.0 total
                             p50 ms      p90 ms      p99 ms
                  TTFT        500.0      2000.0      2000.0
                  TPOT        500.0       500.0       500.0
                  end to end 2500.0      4000.0      4000.0
                  4 steps, 2 preemptions, 16 of 60 prompt tokens from the prefix cache
                  steps in tensor mode 75.0 %, in sequence mode 25.0 %
                  40.0 % of the fp32 FMA peak (1 GFLOP/s), 10.0 % of the memory-read limit (2.0 GB/s)

                """)
        #expect(!report(shifts: false).table.contains("mode"))
    }
}
