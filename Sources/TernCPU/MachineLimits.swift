// What this machine could do at best: bytes read from memory and multiply-adds of float32 in a
// second, by the same threads that serve. Speeds are stated as shares of these two.

import CTernKernels
import TernTensor

/// The two limits that every step runs against.
public struct MachineLimits: Sendable, Equatable {
    /// Memory read by all threads together. Unit: bytes per second.
    public let readBytesPerSecond: Double
    /// Float32 multiply-adds, counted as two operations. Unit: operations per second.
    public let floatOperationsPerSecond: Double

    /// Measures both on a backend's threads: medians of several short runs.
    ///
    /// Memory is read in one stream a thread and in eight; the faster way counts.
    /// Cost: under a second, and 256 MiB while it runs. Throws: `StorageError`.
    public static func probe(_ backend: CPUBackend) throws(StorageError) -> MachineLimits {
        let memory = try Storage(zeroedBytes: 256 << 20)
        // Untouched pages all read as one page of zeros: each is made real before the first run.
        for offset in stride(from: 0, to: memory.bytes, by: 4096) {
            memory.base.storeBytes(of: 1, toByteOffset: offset, as: UInt8.self)
        }
        let chunkBytes = 1 << 20
        var arguments = tern_probe_args(
            next: 0, memory: memory.base.assumingMemoryBound(to: CChar.self),
            chunks: Int64(memory.bytes / chunkBytes), chunk_bytes: Int64(chunkBytes), streams: 1,
            rounds: Int64(backend.pool.workers) * 32, sink: 0)
        let table = backend.table
        let single = backend.median(of: 7, table.probe_read, &arguments)
        arguments.streams = 8
        let eightfold = backend.median(of: 7, table.probe_read, &arguments)
        let adding = backend.median(of: 15, table.probe_multiply_add, &arguments)
        let operations = Double(arguments.rounds) * Double(table.probe_operations) * 2
        return MachineLimits(
            readBytesPerSecond: Double(memory.bytes) / min(single, eightfold),
            floatOperationsPerSecond: operations / adding)
    }
}

extension CPUBackend {
    /// The median time of several runs of a probe. Unit: seconds.
    fileprivate func median(
        of runs: Int, _ probe: tern_kernel, _ arguments: inout tern_probe_args
    ) -> Double {
        var times: [Double] = []
        for _ in 0..<runs {
            arguments.next = 0
            let start = ContinuousClock.now
            pool.run(probe, &arguments)
            times.append((ContinuousClock.now - start) / .seconds(1))
        }
        return times.sorted()[runs / 2]
    }
}
