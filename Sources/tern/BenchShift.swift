// `tern bench shift`: the time of a step by its number of tokens, in both modes and as the policy
// would have it, and the bytes moved, in a table, a picture or JSON.

import Glibc
import TernBench
import TernEngine
import TernJSON
import TernPlanning

/// Measures single steps of growing size.
enum BenchShift {
    static let command = Command(
        name: "bench shift",
        summary: "Measure the time of a step by its tokens, in both modes and with the shift.",
        positionals: ["MODEL"],
        sections: [
            (
                "Steps",
                [
                    Option("--num-iters", value: "N", help: "repetitions that count (11)"),
                    Option("--svg", value: "FILE", help: "write a plot with the threshold"),
                    Option("--json", help: "print one JSON object"), Arguments.thresholds,
                ]
            ), EngineFlags.section, ParallelFlags.section,
        ], run: run)

    /// Sequence ranks where the flags name no size.
    private static let usualSequenceSize = 2
    /// Equal modes look different beyond the noise at one rung in eighty; with five, at one in four.
    private static let usualRepetitions = 11

    private static func run(_ arguments: Arguments) throws {
        let repetitions = try arguments.integer("--num-iters", in: 1...1000) ?? usualRepetitions
        let picture = try arguments.filled("--svg")
        let printsJSON = arguments.has("--json")
        let thresholds = try arguments.thresholds()
        var configuration = try EngineFlags.configuration(arguments)
        if arguments.text("--ulysses-sequence-parallel-size") == nil {
            let given = configuration.topology
            configuration.topology = Topology(
                data: given.dataParallelSize, pipeline: given.pipelineParallelSize,
                sequence: usualSequenceSize, tensor: given.tensorParallelSize,
                expertGroup: given.expertGroup)
        }
        let hardware = try Hardware(arguments, configuration.topology)
        let found = try ShiftBenchmark(
            configuration, repetitions: repetitions, on: hardware.engine,
            report: { EngineFlags.show($0, isQuiet: printsJSON) },
            progress: { ProgressBar(title: "measuring").show($0) })
        let report = ShiftReport(
            title: title(configuration), policy: found.policy,
            rows: found.steps.map {
                ShiftReport.Row(
                    tokens: $0.tokens, tensor: $0.tensor, sequence: $0.sequence, shift: $0.shift,
                    tensorBytes: $0.tensorBytes, sequenceBytes: $0.sequenceBytes,
                    work: RunWork(operations: $0.operations, bytes: $0.weightBytes))
            }, rates: try hardware.rates(), measuring: found.fit?.duration)
        if let picture { try write(ShiftPlot(report).svg, to: picture) }
        Console.write(printsJSON ? report.json.text() + "\n" : report.table)
        try thresholds?.check(report.json)
    }

    private static func title(_ configuration: EngineConfiguration) -> String {
        let sizes = configuration.topology
        let folder = configuration.folder.split(separator: "/").last.map(String.init)
        return "\(folder ?? configuration.folder), SP \(sizes.sequenceParallelSize), "
            + "TP \(sizes.tensorParallelSize), PP \(sizes.pipelineParallelSize)"
    }

    private static func write(_ text: String, to path: String) throws(UsageError) {
        guard let file = fopen(path, "w") else {
            throw UsageError("--svg \(path): \(String(cString: strerror(errno)))")
        }
        let isWritten = fputs(text, file) >= 0
        guard fclose(file) == 0 && isWritten else {
            throw UsageError("--svg \(path): \(String(cString: strerror(errno)))")
        }
    }
}

extension ShiftReport {
    /// One object with every figure; times in seconds, noise as a share, bytes as a rank receives.
    fileprivate var json: JSON {
        func times(_ time: RepeatedTime, bytes: Int? = nil) -> JSON {
            var object = JSONObject([
                ("median_s", .number(time.median)), ("noise", .number(time.noise)),
            ])
            object["bytes"] = bytes.map { .integer($0) }
            return .object(object)
        }
        return [
            "threshold": threshold.map { .integer($0) } ?? .null, "choice": .string(choice),
            "measuring_s": measuring.map { .number($0 / .seconds(1)) } ?? .null,
            "keeps_up": .bool(laggingTokens.isEmpty), "verdict": .string(verdict),
            "lagging_sizes": .integer(laggingTokens.count),
            "fma_peak_flop_per_s": .number(rates.operationsPerSecond),
            "read_limit_bytes_per_s": .number(rates.readBytesPerSecond),
            "tensor_bytes_per_sequence_byte": tensorBytesRatio.map { .number($0) } ?? .null,
            "steps": .array(
                rows.map { row in
                    [
                        "tokens": .integer(row.tokens),
                        "tensor": times(row.tensor, bytes: row.tensorBytes),
                        "sequence": times(row.sequence, bytes: row.sequenceBytes),
                        "shift": times(row.shift),
                        "mode": .string(policy.mode(tokens: row.tokens).rawValue),
                        "keeps_up": .bool(row.keepsUp),
                        "percent_of_limit": .number(100 * shareOfLimit(row)),
                    ]
                }),
        ]
    }
}
