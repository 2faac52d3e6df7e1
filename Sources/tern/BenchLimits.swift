// `tern bench limits`: what this machine could do at best, per core and for all cores. Other
// benchmarks measure those limits again that their shares are of, in their own run.

import TernBench
import TernJSON
import TernPlanning

/// Measures the machine alone, without a model.
enum BenchLimits {
    static let command = Command(
        name: "bench limits",
        summary: "Measure this machine's limits: memory, fp32, fp16, bf16 and int8, AMX tiles.",
        positionals: [],
        sections: [
            (
                "Limits",
                [
                    Option("--threads", value: "N", help: "threads together (all processors)"),
                    Option("--json", help: "print one JSON object"),
                ]
            )
        ], run: run)

    private static func run(_ arguments: Arguments) throws {
        let hardware = try Hardware(arguments, Topology())
        let bar = ProgressBar(title: "measuring")
        let report = try hardware.limits { bar.show($0) }
        Console.write(arguments.has("--json") ? report.json.text() + "\n" : report.table)
    }
}

extension LimitsReport {
    /// One object with every limit; null where the processor lacks it.
    fileprivate var json: JSON {
        let limits = rows.map { row -> JSONObject.Member in
            guard let rate = row.rate else { return (row.key, .null) }
            return (
                row.key,
                [
                    "unit": .string(row.unit.rawValue), "per_core": .number(rate.perCore),
                    "all_cores": .number(rate.allCores), "way": .string(rate.way),
                ]
            )
        }
        return .object(JSONObject([("threads", .integer(threads))] + limits))
    }
}

extension MachineRates {
    /// The int8 limit in a report's JSON; null where the processor has no unit for it.
    var int8JSON: JSON { int8OperationsPerSecond.map { .number($0) } ?? .null }
}
