// The flags that every command with an engine takes, under the names that users of vLLM know, and
// the engine that they describe.

import TernEngine
import TernModel
import TernTensor

/// Options that describe an engine.
enum EngineFlags {
    static let section: (title: String, options: [Option]) = (
        "Engine",
        [
            Option(
                "--dtype", value: "auto|float32|bfloat16|float16",
                help: "type of the weights (default: the checkpoint's)"),
            Option(
                "--kv-cache-dtype", value: "auto|float32|bfloat16|float16|int8",
                help:
                    "type of the KV cache (auto: that of the weights); int8 scales each token's head"
            ),
            Option(
                "--quantization", "-q", value: "int8|int4",
                help:
                    "hold the layers' weights in whole numbers, made at load; checkpoints that are "
                    + "quantized (compressed-tensors W8A8, AWQ, GPTQ) need no flag"),
            Option(
                "--head-quantization", value: "none|int8",
                help: "the same for the weights of logits (int8 with int8, else none)"),
            Option(
                "--matmul-precision", value: "highest|medium",
                help: "medium: products with bfloat16 weights or cache round their inputs, as "
                    + "others do; bits differ between processors with AMX and without (highest: "
                    + "inputs stay float32)"),
            Option(
                "--load-format", value: "auto|dummy",
                help: "dummy: seeded random weights from config.json alone"),
            Option(
                "--max-model-len", value: "N",
                help: "most tokens of a sequence (default: what the model and the memory allow)"),
            Option("--max-num-seqs", value: "N", help: "most sequences of a step (256)"),
            Option("--max-num-batched-tokens", value: "N", help: "most tokens of a step (2048)"),
            Option("--block-size", value: "N", help: "tokens per KV block, a multiple of 16 (16)"),
            Option(
                "--kv-cache-memory-bytes", value: "N",
                help: "memory for keys and values (default: a share of what is free)"),
            Option(
                "--gpu-memory-utilization", "--memory-utilization", value: "SHARE",
                help: "share of the free memory for weights, activations and cache (0.9)"),
            Option("--enable-prefix-caching", help: "reuse blocks of earlier prompts (default)"),
            Option("--no-enable-prefix-caching", help: "compute every prompt"),
            Option("--seed", value: "N", help: "seeds dummy weights and requests without a seed"),
            Option("--chat-template", value: "FILE", help: "a template in the model's place"),
            Option(
                "--step-timeout", value: "SECONDS",
                help:
                    "how long a step may take before a rank counts as hung (600); a whole process that "
                    + "hangs is ended after twice as long"),
            Option("--threads", value: "N", help: "worker threads (default: all cores)"),
            Option(
                "--trace-out", "--trace", value: "FILE",
                help: "write steps and requests as trace events, which Perfetto opens"),
            Option(
                "--device", value: "cpu|reference",
                help: "reference: naive loops, the oracle of the others"),
        ]
    )

    /// The configuration that the flags describe, of the model that the first word names unless a
    /// folder is given.
    static func configuration(
        _ arguments: Arguments, folder: String? = nil
    ) throws(UsageError) -> EngineConfiguration {
        var engine = EngineConfiguration(folder: folder ?? arguments.positionals[0])
        if let name = arguments.text("--dtype"), name != "auto" {
            guard let dtype = DType(rawValue: name), dtype.isFloatingPoint else {
                throw UsageError(
                    "--dtype is \(name); it must be auto, float32, bfloat16 or float16")
            }
            engine.dtype = dtype
        }
        engine.quantization = try quantization(arguments)
        engine.cacheType = try cacheType(arguments)
        engine.loadFormat =
            try arguments.choice("--load-format", of: LoadFormat.self) ?? engine.loadFormat
        engine.maxModelLength = try arguments.integer("--max-model-len", in: 2 ... .max)
        try readStepLimits(arguments, into: &engine)
        engine.cacheBytes = try arguments.integer("--kv-cache-memory-bytes", in: 1 ... .max)
        if let share = try arguments.number("--gpu-memory-utilization") {
            guard share > 0 && share <= 1 else {
                throw UsageError(
                    "--gpu-memory-utilization is \(share); it must be above 0 and at most 1")
            }
            engine.memoryShare = share
        }
        engine.enablesPrefixCaching = !arguments.has("--no-enable-prefix-caching")
        engine.seed = try arguments.integer("--seed", in: 0 ... .max).map { UInt64($0) }
        if let seconds = try arguments.integer("--step-timeout", in: 1...86_400) {
            engine.stepDeadline = .seconds(seconds)
        }
        engine.chatTemplateFile = arguments.text("--chat-template")
        engine.topology = try ParallelFlags.topology(arguments)
        engine.shift = try ParallelFlags.shift(arguments)
        return engine
    }

    private static func quantization(
        _ arguments: Arguments
    ) throws(UsageError) -> WeightQuantization {
        let layers = try arguments.choice("--quantization", of: LayerQuantization.self)
        let head =
            try arguments.choice("--head-quantization", of: HeadQuantization.self)
            ?? (layers == .int8 ? .int8 : .kept)
        return WeightQuantization(
            layers: layers.map { $0 == .int8 ? .int8 : .int4(group: WeightFormat.usualGroup) },
            head: head == .int8 ? .int8 : nil)
    }

    private enum LayerQuantization: String, CaseIterable { case int8, int4 }
    private enum HeadQuantization: String, CaseIterable {
        case kept = "none"
        case int8
    }

    /// The type of the cache, where one is given.
    static func cacheType(_ arguments: Arguments) throws(UsageError) -> DType? {
        guard let name = arguments.text("--kv-cache-dtype"), name != "auto" else { return nil }
        guard let type = DType(rawValue: name), type != .int32 else {
            throw UsageError(
                "--kv-cache-dtype is \(name); it must be auto, float32, bfloat16, float16 or int8")
        }
        return type
    }

    /// What the API calls a model unless it is told: the last part of its path, without `.gguf`.
    static func modelName(of folder: String) -> String {
        let last = folder.split(separator: "/").last ?? "model"
        return String(last.hasSuffix(".gguf") ? last.dropLast(5) : last)
    }

    /// Where only one of the two limits is given, the default of the other gives way.
    private static func readStepLimits(
        _ arguments: Arguments, into engine: inout EngineConfiguration
    ) throws(UsageError) {
        let sequences = try arguments.integer("--max-num-seqs", in: 1...65_536)
        let tokens = try arguments.integer("--max-num-batched-tokens", in: 1...1 << 20)
        engine.blockSize = try arguments.integer("--block-size", in: 1...1024) ?? engine.blockSize
        engine.maxSequences = sequences ?? min(engine.maxSequences, tokens ?? .max)
        engine.maxBatchedTokens = tokens ?? max(engine.maxBatchedTokens, sequences ?? 0)
    }

    /// Starts the engine and shows how its start goes on standard error, or wherever `report` does.
    static func start(
        _ configuration: EngineConfiguration, _ arguments: Arguments, isQuiet: Bool,
        timing products: ProductTimes? = nil, report: (@Sendable (StartReport) -> Void)? = nil
    ) throws -> Engine {
        var hardware = try Hardware(arguments, configuration.topology).engine
        if let products {
            let backend = hardware.backend
            hardware.backend = { ProductTimer(try backend($0, $1), products) }
        }
        return try Engine(
            try traced(configuration, arguments), on: hardware,
            report: report ?? { show($0, isQuiet: isQuiet) })
    }

    /// With a trace, where one is asked for.
    private static func traced(
        _ configuration: EngineConfiguration, _ arguments: Arguments
    ) throws -> EngineConfiguration {
        var configuration = configuration
        configuration.trace = try arguments.filled("--trace-out").map { try StepTrace(path: $0) }
        return configuration
    }

    /// The same with the ranks in a process of their own, which is started again when it ends.
    static func startApart(
        _ configuration: EngineConfiguration, _ arguments: Arguments,
        report: @escaping @Sendable (StartReport) -> Void
    ) throws -> Engine {
        try Engine(
            try traced(configuration, arguments),
            ranks: .childProcess(HostRanks.command(for: arguments)), report: report)
    }

    /// Shows a step of a start on standard error.
    static func show(_ report: StartReport, isQuiet: Bool) {
        guard !isQuiet else { return }
        switch report {
        case .memory(let memory): for line in memory.lines { Console.note(line) }
        case .loading(let share): ProgressBar(title: "loading weights").show(share)
        case .note(let line): Console.note(line)
        }
    }
}

extension WeightQuantization {
    /// What follows the type of a model's parameters.
    var suffix: String { self == WeightQuantization() ? "" : ", \(self)" }
}
