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

    @Test(
        "Rates are those of medians, and a share is the median of what each repetition had beside it"
    )
    func shares() {
        func repetition(_ first: Double, _ next: Double, reads: Double, computes: Double)
            -> LatencyRepetition
        {
            LatencyRepetition(
                timeToFirstToken: first, timePerOutputToken: next,
                rates: MachineRates(readBytesPerSecond: reads, operationsPerSecond: computes))
        }
        let report = LatencyReport(
            inputLength: 100, outputLength: 10, batchSize: 4, ranks: 1,
            repetitions: [
                // The host slows down: the times double, and so does what one limit alone would tell.
                repetition(1, 0.5, reads: 8e9, computes: 20e9),
                repetition(2, 1, reads: 4e9, computes: 10e9),
                repetition(9, 1, reads: 5e9, computes: 10e9),
            ],
            loopWork: LoopWork(planning: 4e-5, text: 1e-5),
            memory: ResidentBytes(files: 2, anonymous: 100, weights: 60, cache: 40),
            work: BatchWork(prefillOperations: 6e9, decodeBytes: 2e9))
        #expect(report.prefillTokensPerSecond == 200)
        #expect(report.decodeTokensPerSecond == 4)
        #expect(report.prefillShareOfPeak == 0.3)
        #expect(report.memory.all == 102 && report.memory.perNeeded == 1.02)
        #expect(report.decodeShareOfReadLimit == 0.5)
        #expect(report.rates.readBytesPerSecond == 5e9)
        #expect(report.rates.operationsPerSecond == 10e9)
        #expect(report.rates.int8OperationsPerSecond == nil)
    }

    @Test("What the loop plans is told beside the median time from one token to the next")
    func planning() {
        let report = LatencyReport(
            inputLength: 1, outputLength: 2, batchSize: 1, ranks: 1,
            repetitions: [0.5, 0.25, 2].map {
                LatencyRepetition(
                    timeToFirstToken: 1, timePerOutputToken: $0,
                    rates: MachineRates(readBytesPerSecond: 1, operationsPerSecond: 1))
            },
            loopWork: LoopWork(planning: 0.125, text: 1),
            memory: ResidentBytes(files: 0, anonymous: 1, weights: 1, cache: 0),
            work: BatchWork(prefillOperations: 1, decodeBytes: 1))
        #expect(report.planningShareOfStep == 0.25)
    }

    @Test("What products reach counts the prompts' operations and the bytes that decoding reads")
    func products() {
        func repetition(_ prompt: Double, _ token: Double, computes: Double) -> LatencyRepetition {
            var products = PhaseProducts()
            // Two ranks, each with half of the outputs.
            for _ in 0..<2 {
                products.prefill.add(
                    rows: 10, inputs: 100, outputs: 50, bytesPerElement: 2, seconds: prompt)
                products.decode.add(
                    rows: 1, inputs: 100, outputs: 50, bytesPerElement: 2, seconds: token)
            }
            return LatencyRepetition(
                timeToFirstToken: 1, timePerOutputToken: 1, products: products,
                rates: MachineRates(readBytesPerSecond: 40_000, operationsPerSecond: computes))
        }
        func report(_ repetitions: [LatencyRepetition]) -> LatencyReport {
            LatencyReport(
                inputLength: 10, outputLength: 2, batchSize: 1, ranks: 2, repetitions: repetitions,
                loopWork: LoopWork(planning: 0, text: 0),
                memory: ResidentBytes(files: 0, anonymous: 1, weights: 1, cache: 0),
                work: BatchWork(prefillOperations: 1, decodeBytes: 1))
        }
        let timed = report([
            repetition(1, 1, computes: 400_000), repetition(2, 1, computes: 200_000),
            repetition(1, 2, computes: 800_000),
        ])
        #expect(timed.productsShareOfPeak == 0.5)
        #expect(timed.productsShareOfReadLimit == 0.5)
        let untimed = report([
            LatencyRepetition(
                timeToFirstToken: 1, timePerOutputToken: 1,
                rates: MachineRates(readBytesPerSecond: 1, operationsPerSecond: 1))
        ])
        #expect(untimed.productsShareOfPeak == nil && untimed.productsShareOfReadLimit == nil)
    }
}
