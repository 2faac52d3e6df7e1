// `tern bench attention`: one layer's attention alone, beside what the machine could do: a prompt's
// chunk, or the single row of a decoding step, at the end of a context. No model is needed.

import TernBench
import TernJSON
import TernPlanning
import TernTensor

/// Measures one op, several times.
enum BenchAttention {
    static let command = Command(
        name: "bench attention",
        summary: "Measure one layer's attention, as shares of the machine's limits.",
        positionals: [],
        sections: [
            (
                "Shape",
                [
                    Option("--query-heads", value: "N", help: "heads of the queries (32)"),
                    Option("--kv-heads", value: "N", help: "heads of the cache (8)"),
                    Option("--head-dim", value: "N", help: "dimension of a head, even (64)"),
                    Option("--context", value: "N", help: "positions in the cache (2048)"),
                    Option("--rows", value: "N", help: "the last rows that attend (--context)"),
                    Option("--block-size", value: "N", help: "tokens per KV block (16)"),
                    Option(
                        "--kv-cache-dtype", value: "float32|bfloat16|float16|int8",
                        help: "type of the cache (bfloat16)"),
                    Option("--num-iters", value: "N", help: "repetitions that count (5)"),
                    Option("--threads", value: "N", help: "worker threads (default: all cores)"),
                    Option("--json", help: "print one JSON object"), Arguments.thresholds,
                ]
            )
        ], run: run)

    /// The shape that the flags describe.
    private struct Shape {
        let queryHeads, cacheHeads, dimension, context, rows, blockSize: Int
        let type: DType

        init(_ arguments: Arguments) throws(UsageError) {
            cacheHeads = try arguments.integer("--kv-heads", in: 1...256) ?? 8
            queryHeads = try arguments.integer("--query-heads", in: 1...1024) ?? 32
            dimension = try arguments.integer("--head-dim", in: 2...512) ?? 64
            context = try arguments.integer("--context", in: 1...1 << 20) ?? 2048
            rows = try arguments.integer("--rows", in: 1...context) ?? context
            blockSize = try arguments.integer("--block-size", in: 16...1024) ?? 16
            type = try EngineFlags.cacheType(arguments) ?? .bfloat16
            guard queryHeads % cacheHeads == 0, dimension % 2 == 0, blockSize % 16 == 0 else {
                throw UsageError(
                    "\(queryHeads) query heads on \(cacheHeads) of dimension \(dimension) in blocks "
                        + "of \(blockSize): heads must divide, the dimension by 2, blocks by 16")
            }
        }

        var blocks: Int { (context + blockSize - 1) / blockSize }
        /// Bytes of the cache that are read.
        var bytes: Double {
            Double(context) / Double(blockSize)
                * Double(
                    KeyValueBlocks.blockBytes(
                        blockSize: blockSize, heads: cacheHeads, headDimension: dimension,
                        dtype: type))
        }
        /// Two a multiply-add, of each pair of a row and a position that it sees.
        var operations: Double {
            let pairs = Double(rows) * (Double(context) - Double(rows - 1) / 2)
            return 4 * Double(queryHeads * dimension) * pairs
        }
    }

    private static func run(_ arguments: Arguments) throws {
        let shape = try Shape(arguments)
        let repetitions = try arguments.integer("--num-iters", in: 1...1000) ?? 5
        let thresholds = try arguments.thresholds()
        let hardware = try Hardware(arguments, Topology())
        let times = Percentiles(try measure(shape, repetitions, on: hardware.backend()))
        let seconds = times.median
        let rates = try hardware.rates()
        let ofPeak = 100 * shape.operations / seconds / rates.operationsPerSecond
        let ofReads = 100 * shape.bytes / seconds / rates.readBytesPerSecond
        let report: JSON = [
            "seconds": .number(seconds), "seconds_min": .number(times.minimum),
            "percent_of_fma_peak": .number(ofPeak),
            "percent_of_read_limit": .number(ofReads),
            "fma_peak_flop_per_s": .number(rates.operationsPerSecond),
            "read_limit_bytes_per_s": .number(rates.readBytesPerSecond),
        ]
        let line =
            "\(shape.rows) rows at the end of \(shape.context) positions in \(shape.type): "
            + "\((1000 * seconds).text(decimals: 3)) ms, \(ofPeak.text(decimals: 1)) % of the fp32 "
            + "FMA peak, \(ofReads.text(decimals: 1)) % of the memory-read limit"
        Console.write((arguments.has("--json") ? report.text() : line) + "\n")
        try thresholds?.check(report)
    }

    /// Several runs. Unit: seconds.
    private static func measure(
        _ shape: Shape, _ repetitions: Int, on backend: any Backend
    ) throws -> [Double] {
        let blockBytes = KeyValueBlocks.blockBytes(
            blockSize: shape.blockSize, heads: shape.cacheHeads, headDimension: shape.dimension,
            dtype: shape.type)
        let cache = KeyValueBlocks(
            storage: try Storage(zeroedBytes: shape.blocks * blockBytes), byteOffset: 0,
            dtype: shape.type, blockCount: shape.blocks, blockSize: shape.blockSize,
            heads: shape.cacheHeads, headDimension: shape.dimension)
        let keys = try Tensor(zeros: [shape.context, shape.cacheHeads, shape.dimension])
        backend.fillRandom(keys, seed: 1, scale: 1)
        backend.store(
            keys: keys, values: keys, slots: try tensor(Array(0..<shape.context)), into: cache)
        let queries = try Tensor(zeros: [shape.rows, shape.queryHeads, shape.dimension])
        backend.fillRandom(queries, seed: 2, scale: 1)
        let output = try Tensor(zeros: [shape.rows, shape.queryHeads, shape.dimension])
        let span = [0, shape.rows, shape.context - shape.rows, 0]
        let batch = AttentionBatch(
            spans: try tensor(span).reshaped([1, 4]), blocks: try tensor(Array(0..<shape.blocks)))
        let rule = AttentionRule(scale: 1 / Float(shape.dimension).squareRoot())
        let times = (0...repetitions).map { _ in
            let start = ContinuousClock.now
            backend.attend(queries, cache: cache, batch: batch, rule, into: output)
            return (ContinuousClock.now - start) / .seconds(1)
        }
        // The first run touches memory for the first time.
        return Array(times.dropFirst())
    }

    private static func tensor(_ numbers: [Int]) throws -> Tensor {
        let tensor = try Tensor(zeros: [numbers.count], dtype: .int32)
        tensor.withElements(of: Int32.self) { elements in
            for (index, number) in numbers.enumerated() { elements[index] = Int32(number) }
        }
        return tensor
    }
}
