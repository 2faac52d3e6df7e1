// `tern bench throughput`: how fast a whole workload is served, all at once or at the times of a
// trace, beside what the machine could do. The figures are ThroughputReport's.

import TernBench
import TernEngine
import TernJSON
import TernModel
import TernPlanning

/// Measures one run of many requests.
enum BenchThroughput {
    static let command = Command(
        name: "bench throughput",
        summary: "Measure requests and tokens per second of a workload, and its latencies.",
        positionals: ["MODEL"],
        sections: [
            (
                "Workload",
                [
                    Option("--num-prompts", value: "N", help: "requests (32; all of a trace)"),
                    Option("--input-len", value: "N", help: "tokens of each prompt (256)"),
                    Option("--output-len", value: "N", help: "tokens generated after each (64)"),
                    Option(
                        "--trace", value: "FILE",
                        help:
                            "JSON lines with lengths and arrivals, in place of equal requests; "
                            + "steps are traced by --trace-out alone"),
                    Option(
                        "--time-scale", value: "X",
                        help: "multiplies the arrivals of a trace; 0 enters all at once (1)"),
                    Option(
                        "--length-scale", value: "X",
                        help: "multiplies the lengths of a trace, for smaller models (1)"),
                    Option("--json", help: "print one JSON object"), Arguments.thresholds,
                ]
            ), EngineFlags.section, ParallelFlags.section,
        ], run: run)

    private static func run(_ arguments: Arguments) throws {
        let (workload, place) = try workload(arguments)
        let configuration = try EngineFlags.configuration(arguments)
        let printsJSON = arguments.has("--json")
        let thresholds = try arguments.thresholds()
        let engine = try EngineFlags.start(configuration, arguments, isQuiet: printsJSON)
        for (index, request) in workload.requests.enumerated() {
            let tokens = request.promptTokens + request.outputTokens
            guard tokens <= engine.maxModelLength else {
                throw UsageError(
                    "\(place(index)): \(request.promptTokens) tokens in and "
                        + "\(request.outputTokens) out; this engine takes "
                        + "\(engine.maxModelLength) together")
            }
        }
        let seed = configuration.seed ?? 0
        // The first step touches memory for the first time.
        if let request = workload.requests.first {
            let warmUp = Workload(
                count: 1, promptTokens: min(16, request.promptTokens),
                outputTokens: min(2, request.outputTokens))
            _ = try measure(warmUp, engine, ~seed)
        }
        let before = engine.metrics
        let times = try measure(workload, engine, seed, ProgressBar(title: "measuring"))
        let after = engine.metrics
        try engine.stop()
        let report = ThroughputReport(
            requests: times, counts: RunCounts(from: before, to: after),
            shifts: configuration.topology.sequenceParallelSize > 1,
            work: work(workload, engine, from: before, to: after),
            rates: try Hardware(arguments, Topology()).rates())
        Console.write(printsJSON ? report.json.text() + "\n" : report.table)
        try thresholds?.check(report.json)
    }

    /// What the flags describe, and how a message names one of its requests.
    private static func workload(
        _ arguments: Arguments
    ) throws(UsageError) -> (Workload, place: (Int) -> String) {
        let count = try arguments.integer("--num-prompts", in: 1...1 << 20)
        let input = try arguments.integer("--input-len", in: 1...1 << 20)
        let output = try arguments.integer("--output-len", in: 1...1 << 20)
        guard let path = try arguments.filled("--trace") else {
            for name in ["--time-scale", "--length-scale"] where arguments.has(name) {
                throw UsageError("\(name) needs --trace")
            }
            let workload = Workload(
                count: count ?? 32, promptTokens: input ?? 256, outputTokens: output ?? 64)
            return (workload, { _ in "--input-len and --output-len" })
        }
        guard input == nil && output == nil else {
            throw UsageError("--trace gives the lengths; leave out --input-len and --output-len")
        }
        let time = try scale(arguments, "--time-scale", isPositive: false)
        let length = try scale(arguments, "--length-scale", isPositive: true)
        let trace = try TraceFile(path: path, limit: count ?? .max)
        return (trace.workload.scaled(time: time, length: length), trace.place)
    }

    private static func scale(
        _ arguments: Arguments, _ name: String, isPositive: Bool
    ) throws(UsageError) -> Double {
        guard let scale = try arguments.number(name) else { return 1 }
        guard scale <= 1e6, isPositive ? scale > 0 : scale >= 0 else {
            let least = isPositive ? "above 0" : "of at least 0"
            throw UsageError("\(name) is \(scale); it must be a number \(least), at most 1000000")
        }
        return scale
    }

    /// Runs a workload once.
    private static func measure(
        _ workload: Workload, _ engine: Engine, _ seed: UInt64, _ bar: ProgressBar? = nil
    ) throws -> [RequestTimes] {
        let requests = workload.requests.enumerated().map { index, request in
            var parameters = engine.defaultParameters(maxTokens: request.outputTokens)
            parameters.temperature = 0
            parameters.ignoreEOS = true
            let prompt = workload.prompt(
                of: index, vocabularySize: engine.model.vocabularySize, seed: seed)
            return GenerationRequest(prompt: prompt, parameters: parameters)
        }
        var first = [Double?](repeating: nil, count: requests.count)
        var times = [RequestTimes?](repeating: nil, count: requests.count)
        var ended = 0
        let arrivals = workload.requests.map { Duration.seconds($0.arrival) }
        try engine.generate(requests, at: arrivals) { index, output, time in
            let now = time / .seconds(1)
            let firstToken = first[index] ?? now
            first[index] = firstToken
            guard output.finish != nil else { return }
            times[index] = RequestTimes(
                workload.requests[index], firstToken: firstToken, end: now)
            ended += 1
            bar?.show(Double(ended) / Double(requests.count))
        }
        return times.compactMap { $0 }
    }

    private static func work(
        _ workload: Workload, _ engine: Engine, from before: EngineMetrics, to after: EngineMetrics
    ) -> RunWork {
        let cost = ModelCost(
            engine.model, dtype: engine.dtype, cacheType: engine.cacheType)
        let steps = max(1, after.steps - before.steps)
        let tokensPerStep = (after.computedTokens - before.computedTokens) / steps
        let weights = Double(steps) * cost.weightBytes(tokens: tokensPerStep)
        return workload.requests.reduce(RunWork(operations: 0, bytes: weights)) { sum, request in
            RunWork(
                operations: sum.operations
                    + cost.operations(
                        promptTokens: request.promptTokens, outputTokens: request.outputTokens),
                bytes: sum.bytes
                    + cost.cacheBytes(
                        promptTokens: request.promptTokens, outputTokens: request.outputTokens))
        }
    }
}

extension RunCounts {
    /// What was counted between two snapshots.
    fileprivate init(from before: EngineMetrics, to after: EngineMetrics) {
        let steps = after.stepsByMode.merging(before.stepsByMode) { $0 - $1 }
        func grown(_ count: KeyPath<SchedulerCounts, Int>) -> Int {
            (after.scheduler?[keyPath: count] ?? 0) - (before.scheduler?[keyPath: count] ?? 0)
        }
        self.init(
            steps: steps, preemptions: grown(\.preemptions),
            prefixQueryTokens: grown(\.prefixQueryTokens),
            prefixHitTokens: grown(\.prefixHitTokens))
    }
}

extension ThroughputReport {
    /// One object with every figure; times in seconds, shares in percent.
    fileprivate var json: JSON {
        var members: [JSONObject.Member] = [
            ("num_requests", .integer(requests.count)), ("elapsed_time", .number(elapsed)),
            ("prompt_tokens", .integer(promptTokens)), ("output_tokens", .integer(outputTokens)),
            ("total_num_tokens", .integer(promptTokens + outputTokens)),
            ("requests_per_second", .number(perSecond(requests.count))),
            ("prompt_tokens_per_second", .number(perSecond(promptTokens))),
            ("output_tokens_per_second", .number(perSecond(outputTokens))),
            ("tokens_per_second", .number(perSecond(promptTokens + outputTokens))),
        ]
        let times = [
            ("ttft", timeToFirstToken), ("tpot", timePerOutputToken), ("e2el", endToEnd),
        ]
        for case (let name, let times?) in times {
            for (label, share) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99)] {
                members.append(("\(name)_\(label)_s", .number(times.at(share))))
            }
        }
        members += [
            ("steps", .integer(counts.allSteps)), ("preemptions", .integer(counts.preemptions)),
            ("prefix_query_tokens", .integer(counts.prefixQueryTokens)),
            ("prefix_hit_tokens", .integer(counts.prefixHitTokens)),
        ]
        if shifts {
            for mode in ParallelMode.allCases {
                let percent = 100 * counts.share(of: mode)
                members.append(("\(mode.rawValue)_steps_percent", .number(percent)))
            }
        }
        members += [
            ("run_percent_of_fma_peak", .number(100 * shareOfPeak)),
            ("run_percent_of_read_limit", .number(100 * shareOfReadLimit)),
            ("fma_peak_flop_per_s", .number(rates.operationsPerSecond)),
            ("read_limit_bytes_per_s", .number(rates.readBytesPerSecond)),
        ]
        return .object(JSONObject(members))
    }
}
