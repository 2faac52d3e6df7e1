// Where a rank's memory goes, summed before anything is loaded. The cache gets what is left of the
// share, or exactly what was asked for; what is too small says how much is needed.

import TernModel
import TernPlanning
import TernTensor

/// The memory of one rank.
public struct MemoryPlan: Sendable, Equatable {
    /// Weights, padding included.
    public let weightBytes: Int
    /// Buffers between layers, for the largest step.
    public let bufferBytes: Int
    /// Keys and values.
    public let cacheBytes: Int
    /// Blocks of the cache.
    public let blockCount: Int
    /// Tokens per block.
    public let blockSize: Int
    /// The most tokens of a sequence, as settled.
    public let maxModelLength: Int

    /// All of it.
    public var totalBytes: Int { weightBytes + bufferBytes + cacheBytes }

    /// Two lines for the log: the sum, and what the cache holds.
    public var lines: [String] {
        let tokens = blockCount * blockSize
        return [
            "memory: weights \(Self.text(weightBytes)) + activations \(Self.text(bufferBytes)) + "
                + "KV cache \(Self.text(cacheBytes)) = \(Self.text(totalBytes))",
            "KV cache: \(tokens) tokens, \(tokens / maxModelLength) requests of full length "
                + "(\(maxModelLength) tokens)",
        ]
    }

    /// Bytes as they are told in logs, in GiB.
    public static func text(_ bytes: Int) -> String {
        let hundredths = (bytes * 100 + 1 << 29) >> 30
        let fraction = hundredths % 100
        return "\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction) GiB"
    }
}

extension MemoryPlan {
    /// What a rank needs before its cache.
    struct Needs {
        let weightBytes: Int
        let bufferBytes: Int
        /// One block in all layers.
        let blockBytes: Int
    }

    /// The kind of errors of a machine that is too small.
    static let shortage = EngineError.Kind.invalid(parameter: "kv-cache-memory-bytes")

    /// Settles the cache's size and the length of sequences.
    ///
    /// `freeBytes` is what the machine has free. More cache than all sequences of a step can fill
    /// is never reserved.
    /// Throws: `EngineError` where one sequence of the asked length does not fit, with the need, or
    /// where all of it is more than what is free, with the sum.
    init(
        _ needs: Needs, configuration: EngineConfiguration, longest: Int, freeBytes: Int
    ) throws(EngineError) {
        let blockSize = configuration.blockSize
        let share = Int(Double(freeBytes) * configuration.memoryShare)
        let left = max(0, share - needs.weightBytes - needs.bufferBytes)
        let available = configuration.cacheBytes ?? left
        let blocksPerSequence = configuration.blocks(for: longest)
        let useful = blocksPerSequence * configuration.maxSequences
        let blocks = min(available / needs.blockBytes, useful, Int(Int32.max) / blockSize)
        let fits = configuration.maxModelLength == nil ? 1 : blocksPerSequence
        guard blocks >= fits else {
            let source =
                configuration.cacheBytes == nil
                ? "\(Self.text(freeBytes)) are free, of which weights take "
                    + "\(Self.text(needs.weightBytes)) and activations "
                    + "\(Self.text(needs.bufferBytes))"
                : "--kv-cache-memory-bytes gives \(available)"
            throw EngineError(
                Self.shortage,
                "KV cache: \(source); one sequence of \(fits * blockSize) tokens needs "
                    + "\(fits * needs.blockBytes) bytes: give more memory or lower --max-model-len")
        }
        let sum = needs.weightBytes + needs.bufferBytes + blocks * needs.blockBytes
        guard sum <= freeBytes else {
            throw EngineError(
                Self.shortage,
                "memory: weights \(Self.text(needs.weightBytes)), activations "
                    + "\(Self.text(needs.bufferBytes)) and KV cache "
                    + "\(Self.text(blocks * needs.blockBytes)) are \(Self.text(sum)) together; "
                    + "\(Self.text(freeBytes)) are free: lower --kv-cache-memory-bytes, "
                    + "--max-num-seqs or --max-num-batched-tokens")
        }
        self.init(
            weightBytes: needs.weightBytes, bufferBytes: needs.bufferBytes,
            cacheBytes: blocks * needs.blockBytes, blockCount: blocks, blockSize: blockSize,
            maxModelLength: min(longest, blocks * blockSize))
    }
}
