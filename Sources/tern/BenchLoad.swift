// `tern bench load`: how long an engine takes to start from files that the system holds in memory,
// beside one plain read of the same files, by turns in the same process.

import Glibc
import TernBench
import TernEngine
import TernJSON
import TernPlanning
import TernTensor

/// Starts an engine over and over.
enum BenchLoad {
    static let command = Command(
        name: "bench load",
        summary: "Measure the start of an engine beside one read of its weights' files.",
        positionals: ["MODEL"],
        sections: [
            (
                "Starts",
                [
                    Option("--num-iters", value: "N", help: "repetitions that count (5)"),
                    Option("--json", help: "print one JSON object"), Arguments.thresholds,
                ]
            ), EngineFlags.section, ParallelFlags.section,
        ], run: run)

    private static func run(_ arguments: Arguments) throws {
        let repetitions = try arguments.integer("--num-iters", in: 1...1000) ?? 5
        let printsJSON = arguments.has("--json")
        let thresholds = try arguments.thresholds()
        var configuration = try EngineFlags.configuration(arguments)
        configuration.requiresTokenizer = false
        let files = try weightFiles(of: configuration.folder)
        var reading: [Double] = []
        var ready: [Double] = []
        var first: [Double] = []
        var memory: [ResidentBytes] = []
        var fresh = 0.0
        let bar = ProgressBar(title: "starting")
        // The first round fills the page cache and has the system find memory: it does not count.
        for round in 0...repetitions {
            bar.show(Double(round) / Double(repetitions + 1))
            let seconds = try read(files.names)
            if round == 1 { fresh = try touch(bytes: files.bytes) }
            let start = try self.start(configuration, arguments)
            guard round > 0 else { continue }
            reading.append(seconds)
            ready.append(start.ready)
            first.append(start.first)
            memory.append(start.memory)
        }
        bar.show(1)
        let report = LoadReport(
            fileBytes: files.bytes, reading: Percentiles(reading), freshMemory: fresh,
            ready: Percentiles(ready), firstToken: Percentiles(first),
            memory: memory.sorted { $0.perNeeded < $1.perNeeded }[repetitions - 1])
        Console.write(printsJSON ? report.json.text() + "\n" : report.table)
        try thresholds?.check(report.json)
    }

    /// The model's own file, or all of a folder's that hold weights.
    private static func weightFiles(
        of model: String
    ) throws(UsageError) -> (names: [String], bytes: Int) {
        var names = [model]
        if let folder = opendir(model) {
            defer { closedir(folder) }
            names = []
            while let entry = readdir(folder) {
                let name = withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
                if name.hasSuffix(".safetensors") { names.append(model + "/" + name) }
            }
        }
        var bytes = 0
        for name in names {
            var status = stat()
            guard stat(name, &status) == 0 else {
                throw UsageError("\(name): \(String(cString: strerror(errno)))")
            }
            bytes += Int(status.st_size)
        }
        guard bytes > 0 else {
            throw UsageError("\(model) holds no weights, expected *.safetensors or a GGUF file")
        }
        return (names, bytes)
    }

    /// Seconds to read files once, a MiB at a time.
    private static func read(_ names: [String]) throws(UsageError) -> Double {
        var chunk = [UInt8](repeating: 0, count: 1 << 20)
        let start = ContinuousClock.now
        for name in names {
            let file = open(name, O_RDONLY | O_CLOEXEC)
            guard file >= 0 else {
                throw UsageError("\(name): \(String(cString: strerror(errno)))")
            }
            defer { close(file) }
            while Glibc.read(file, &chunk, chunk.count) > 0 {}
        }
        return start.duration(to: .now) / .seconds(1)
    }

    /// Seconds to touch so much new memory.
    private static func touch(bytes: Int) throws -> Double {
        let start = ContinuousClock.now
        let memory = try Storage(zeroedBytes: bytes)
        for offset in stride(from: 0, to: bytes, by: Int(getpagesize())) {
            memory.base.storeBytes(of: 1, toByteOffset: offset, as: UInt8.self)
        }
        return start.duration(to: .now) / .seconds(1)
    }

    /// One start, and one token.
    private static func start(
        _ configuration: EngineConfiguration, _ arguments: Arguments
    ) throws -> (ready: Double, first: Double, memory: ResidentBytes) {
        let clock = ContinuousClock()
        let start = clock.now
        let engine = try EngineFlags.start(configuration, arguments, isQuiet: true)
        let ready = clock.now
        let prompt = [TokenID(1)]
        try engine.generate([
            GenerationRequest(prompt: prompt, parameters: engine.defaultParameters(maxTokens: 1))
        ]) { _, _ in }
        let first = clock.now
        let memory = ResidentBytes(of: engine, sequences: 1, tokens: prompt.count + 1)
        try engine.stop()
        return (
            start.duration(to: ready) / .seconds(1), ready.duration(to: first) / .seconds(1),
            memory
        )
    }
}

extension LoadReport {
    fileprivate var json: JSON {
        [
            "weight_file_bytes": .integer(fileBytes), "read_s": .number(reading.median),
            "fresh_memory_s": .number(freshMemory), "ready_s": .number(ready.median),
            "ready_min_s": .number(ready.minimum),
            "first_token_s": .number(firstToken.median),
            "ready_per_read": .number(readyPerReading),
            "resident_per_needed": .number(memory.perNeeded),
            "resident_bytes": .integer(memory.all), "weight_bytes": .integer(memory.weights),
        ]
    }

    fileprivate var table: String {
        func milliseconds(_ seconds: Double) -> String {
            (seconds * 1000).text(decimals: 1) + " ms"
        }
        return """
            \(fileBytes) bytes of weights (medians)
              read once      \(milliseconds(reading.median)), \
            \((Double(fileBytes) / reading.median / 1e9).text(decimals: 1)) GB/s
              fresh memory   \(milliseconds(freshMemory)) to touch as much of it
              ready          \(milliseconds(ready.median)), \
            \(readyPerReading.text(decimals: 2)) times the read
              first token    \(milliseconds(firstToken.median)) later
              resident       \(memory.perNeeded.text(decimals: 3)) times weights and cache in use

            """
    }
}
