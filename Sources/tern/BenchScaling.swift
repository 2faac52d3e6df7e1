// `tern bench scaling`: how much faster a batch decodes than one sequence. All sizes are measured by
// turns in one run, so that their ratios hold where the machine's own speed moves.

import TernBench
import TernEngine
import TernJSON

/// Measures the same lengths at several batch sizes.
enum BenchScaling {
    static let command = Command(
        name: "bench scaling",
        summary: "Measure how decoding gains from sequences that share a step.",
        positionals: ["MODEL"],
        sections: [
            (
                "Batches",
                [
                    Option("--batch-sizes", value: "1,8,32", help: "sequences at once (1,8,32)"),
                    Option("--input-len", value: "N", help: "tokens of each prompt (32)"),
                    Option("--output-len", value: "N", help: "tokens generated after each (24)"),
                    Option("--num-iters", value: "N", help: "repetitions that count (3)"),
                    Option("--json", help: "print one JSON object"), Arguments.thresholds,
                ]
            ), EngineFlags.section, ParallelFlags.section,
        ], run: run)

    private static func run(_ arguments: Arguments) throws {
        let batches = try batches(arguments)
        let repetitions = try arguments.integer("--num-iters", in: 1...1000) ?? 3
        let printsJSON = arguments.has("--json")
        let thresholds = try arguments.thresholds()
        var configuration = try EngineFlags.configuration(arguments)
        configuration.enablesPrefixCaching = false
        configuration.requiresTokenizer = false
        let engine = try EngineFlags.start(configuration, arguments, isQuiet: printsJSON)
        let rates = try measure(batches, repetitions, engine)
        try engine.stop()
        var figures = JSONObject()
        var lines: [String] = []
        for (batch, rate) in zip(batches, rates) {
            let gain = rate / rates[0]
            figures["batch_\(batch.size)_tokens_per_s"] = .number(rate)
            figures["batch_\(batch.size)_over_\(batches[0].size)"] = .number(gain)
            lines.append(
                "batch \(batch.size)   \(rate.text(decimals: 1)) tokens/s, "
                    + "\(gain.text(decimals: 2)) times batch \(batches[0].size)")
        }
        let json = JSON.object(figures)
        Console.write((printsJSON ? json.text() : lines.joined(separator: "\n")) + "\n")
        try thresholds?.check(json)
    }

    private static func batches(_ arguments: Arguments) throws(UsageError) -> [EqualBatch] {
        let input = try arguments.integer("--input-len", in: 1...1 << 20) ?? 32
        let output = try arguments.integer("--output-len", in: 2...1 << 20) ?? 24
        let text = arguments.text("--batch-sizes") ?? "1,8,32"
        return try text.split(separator: ",", omittingEmptySubsequences: false).map {
            (word) throws(UsageError) in
            guard let size = Int(word), (1...4096).contains(size) else {
                throw UsageError(
                    "--batch-sizes is \(text); it must be numbers from 1 to 4096 between commas")
            }
            return EqualBatch(inputLength: input, outputLength: output, size: size)
        }
    }

    /// Tokens per second of each batch after the first tokens: the median of its repetitions.
    private static func measure(
        _ batches: [EqualBatch], _ repetitions: Int, _ engine: Engine
    ) throws -> [Double] {
        let bar = ProgressBar(title: "measuring")
        var seconds = batches.map { _ in [Double]() }
        // The first round touches memory for the first time.
        for round in 0...repetitions {
            for (index, batch) in batches.enumerated() {
                bar.show(
                    Double(round * batches.count + index)
                        / Double((repetitions + 1) * batches.count))
                let time = try batch.run(on: engine, salt: round).next
                if round > 0 { seconds[index].append(time) }
            }
        }
        bar.show(1)
        return zip(batches, seconds).map { Double($0.size) / Percentiles($1).median }
    }
}
