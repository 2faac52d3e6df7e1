// `tern bench latency`: how long a batch of equal prompts takes, beside what the machine could do.
// Limits are probed by turns with the batch, so that the shares hold on any machine, a shared one too.

import TernBench
import TernEngine
import TernJSON
import TernModel
import TernPlanning

/// Measures one batch, several times.
enum BenchLatency {
    static let command = Command(
        name: "bench latency",
        summary: "Measure time to first token and per token, as shares of the machine's limits.",
        positionals: ["MODEL"],
        sections: [
            (
                "Batch",
                [
                    Option("--input-len", value: "N", help: "tokens of each prompt (128)"),
                    Option("--output-len", value: "N", help: "tokens generated after each (32)"),
                    Option("--batch-size", value: "N", help: "sequences at once (1)"),
                    Option("--num-iters", value: "N", help: "repetitions that count (3)"),
                    Option(
                        "--products", help: "tell also what products alone reach within the steps"),
                    Option("--json", help: "print one JSON object"), Arguments.thresholds,
                ]
            ), EngineFlags.section, ParallelFlags.section,
        ], run: run)

    private static func run(_ arguments: Arguments) throws {
        let batch = EqualBatch(
            inputLength: try arguments.integer("--input-len", in: 1...1 << 20) ?? 128,
            outputLength: try arguments.integer("--output-len", in: 2...1 << 20) ?? 32,
            size: try arguments.integer("--batch-size", in: 1...4096) ?? 1)
        let repetitions = try arguments.integer("--num-iters", in: 1...1000) ?? 3
        var configuration = try EngineFlags.configuration(arguments)
        configuration.enablesPrefixCaching = false
        configuration.requiresTokenizer = false
        let printsJSON = arguments.has("--json")
        let thresholds = try arguments.thresholds()
        let products = arguments.has("--products") ? ProductTimes(sequences: batch.size) : nil
        let engine = try EngineFlags.start(
            configuration, arguments, isQuiet: printsJSON, timing: products)
        let times = try measure(
            batch, repetitions, engine, products, besides: Hardware(arguments, Topology()))
        let memory = ResidentBytes(
            of: engine, sequences: batch.size, tokens: batch.inputLength + batch.outputLength)
        try engine.stop()
        let report = LatencyReport(
            inputLength: batch.inputLength, outputLength: batch.outputLength,
            batchSize: batch.size, ranks: configuration.topology.worldSize,
            repetitions: times.repetitions, loopWork: times.loop,
            memory: memory, work: work(batch, engine))
        Console.write(printsJSON ? report.json.text() + "\n" : report.table)
        try thresholds?.check(report.json)
    }

    /// Runs the batch over and over: what each run took that counts, and the engine's loop a step in
    /// them. The limits are probed while the engine has nothing to do.
    private static func measure(
        _ batch: EqualBatch, _ repetitions: Int, _ engine: Engine, _ products: ProductTimes?,
        besides hardware: Hardware
    ) throws -> (repetitions: [LatencyRepetition], loop: LoopWork) {
        let bar = ProgressBar(title: "measuring")
        bar.show(0)
        // The first run touches memory for the first time.
        _ = try batch.run(on: engine, salt: 0)
        let probe = try hardware.rateProbe()
        let before = engine.metrics
        _ = products?.take()
        var found: [LatencyRepetition] = []
        for repetition in 1...repetitions {
            bar.show(Double(repetition) / Double(repetitions + 1))
            let times = try batch.run(on: engine, salt: repetition)
            found.append(
                LatencyRepetition(
                    timeToFirstToken: times.first, timePerOutputToken: times.next,
                    products: products?.take(), rates: probe()))
        }
        bar.show(1)
        let after = engine.metrics
        let steps = Duration.seconds(after.steps - before.steps)
        let loop = LoopWork(
            planning: (after.planningTime - before.planningTime) / steps,
            text: (after.textTime - before.textTime) / steps)
        return (found, loop)
    }

    private static func work(_ batch: EqualBatch, _ engine: Engine) -> BatchWork {
        let cost = engine.cost
        return BatchWork(
            prefillOperations: Double(batch.size)
                * cost.prefillOperations(tokens: batch.inputLength),
            decodeBytes: cost.decodeBytes(
                sequences: batch.size, context: batch.inputLength + batch.outputLength / 2))
    }
}

extension LatencyReport {
    /// One object with every figure; times in seconds, shares in percent.
    fileprivate var json: JSON {
        [
            "input_len": .integer(inputLength), "output_len": .integer(outputLength),
            "batch_size": .integer(batchSize),
            "ttft_s": .number(timeToFirstToken.median),
            "tpot_s": .number(timePerOutputToken.median),
            "ttft_min_s": .number(timeToFirstToken.minimum),
            "tpot_min_s": .number(timePerOutputToken.minimum),
            "planning_us_per_step": .number(1e6 * loopWork.planning),
            "planning_percent_of_step": .number(100 * planningShareOfStep),
            "text_us_per_step": .number(1e6 * loopWork.text),
            "resident_per_needed": .number(memory.perNeeded),
            "resident_bytes": .integer(memory.all),
            "resident_file_bytes": .integer(memory.files),
            "resident_anonymous_bytes": .integer(memory.anonymous),
            "weight_bytes": .integer(memory.weights),
            "cache_used_bytes": .integer(memory.cache),
            "prefill_tokens_per_s": .number(prefillTokensPerSecond),
            "decode_tokens_per_s": .number(decodeTokensPerSecond),
            "prefill_percent_of_fma_peak": .number(100 * prefillShareOfPeak),
            "decode_percent_of_read_limit": .number(100 * decodeShareOfReadLimit),
            "fma_peak_flop_per_s": .number(rates.operationsPerSecond),
            "read_limit_bytes_per_s": .number(rates.readBytesPerSecond),
            "int8_peak_op_per_s": rates.int8JSON,
            "products_percent_of_fma_peak": productsShareOfPeak.map { .number(100 * $0) } ?? .null,
            "products_percent_of_read_limit":
                productsShareOfReadLimit.map { .number(100 * $0) } ?? .null,
        ]
    }

    /// The same for a person.
    fileprivate var table: String {
        """
        batch of \(batchSize), \(inputLength) tokens in, \(outputLength) out (medians)
          TTFT  \(milliseconds(timeToFirstToken.median)) ms   \
        prefill \(Int(prefillTokensPerSecond)) tokens/s, \
        \(percent(prefillShareOfPeak)) % of the fp32 FMA peak \
        (\(Int(rates.operationsPerSecond / 1e9)) GFLOP/s)
          TPOT  \(milliseconds(timePerOutputToken.median)) ms   \
        decode \(tenths(decodeTokensPerSecond)) tokens/s, \
        \(percent(decodeShareOfReadLimit)) % of the memory-read limit \
        (\(tenths(rates.readBytesPerSecond / 1e9)) GB/s)
        \(products)\
          loop  \(tenths(1e6 * loopWork.planning)) µs of processor time a step to schedule, plan, \
        hand over and commit, \(percent(planningShareOfStep)) % of TPOT; \
        \(tenths(1e6 * loopWork.text)) µs to make text
          memory  \(memory.perNeeded.text(decimals: 3)) times weights and cache in use: \
        \(mebibytes(memory.all)) MiB, \(mebibytes(memory.files)) of them the program's files; \
        weights \(mebibytes(memory.weights)), cache \(mebibytes(memory.cache))

        """
    }

    /// The line of the products, where they were timed.
    private var products: String {
        let shares = [
            productsShareOfPeak.map { "\(percent($0)) % of the fp32 FMA peak in prefill" },
            productsShareOfReadLimit.map { "\(percent($0)) % of the memory-read limit in decode" },
        ].compactMap { $0 }
        return shares.isEmpty ? "" : "  products  " + shares.joined(separator: ", ") + "\n"
    }

    private func mebibytes(_ bytes: Int) -> String { tenths(Double(bytes) / 1_048_576) }
    private func milliseconds(_ seconds: Double) -> String { tenths(seconds * 1000) }
    private func percent(_ share: Double) -> String { tenths(share * 100) }
    private func tenths(_ value: Double) -> String { value.text(decimals: 1) }
}
