import TernBench
import Testing

@Suite("Latency report")
struct LatencyReportTests {
    @Test("Percentiles are measurements, by nearest rank")
    func percentiles() {
        let values = Percentiles([5, 1, 4, 2, 3])
        #expect(values.median == 3 && values.minimum == 1 && values.maximum == 5)
        #expect(values.at(0.2) == 1 && values.at(0.21) == 2 && values.at(0.9) == 5)
        #expect(values.at(0) == 1 && values.at(1) == 5)
        #expect(Percentiles([7]).median == 7)
    }

    @Test("Rates and shares of limits follow from medians")
    func shares() {
        let report = LatencyReport(
            inputLength: 100, outputLength: 10, batchSize: 4,
            timeToFirstToken: Percentiles([1, 2, 9]), timePerOutputToken: Percentiles([0.5]),
            loopWork: LoopWork(planning: 4e-5, text: 1e-5),
            memory: ResidentBytes(files: 2, anonymous: 100, weights: 60, cache: 40),
            work: BatchWork(prefillOperations: 6e9, decodeBytes: 2e9),
            rates: MachineRates(readBytesPerSecond: 8e9, operationsPerSecond: 10e9))
        #expect(report.prefillTokensPerSecond == 200)
        #expect(report.decodeTokensPerSecond == 8)
        #expect(report.prefillShareOfPeak == 0.3)
        #expect(report.memory.all == 102 && report.memory.perNeeded == 1.02)
        #expect(report.decodeShareOfReadLimit == 0.5)
    }
}
