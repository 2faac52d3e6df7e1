// Measures the limits of a machine on the threads of a backend: medians of several short runs of a
// probe that does one thing as fast as it can. The probes themselves are C, in probe.h and probe_x86.c.

import CTernKernels
import TernTensor

/// Threads and memory to measure limits with.
///
/// Thread: one caller, that of the backend.
public struct MachineProbe {
    private let backend: CPUBackend
    private let memory: Storage

    /// Far more than caches hold: of 256 MiB, which was read before, a third-level cache of 260 MiB
    /// gave enough to show 35 GB/s where memory has 30.
    private static let memoryBytes = 1 << 30
    /// No power of two, so that eight streams of a chunk do not meet in the same sets of a cache.
    private static let chunkBytes = 8 * 129 << 10
    private static let repetitions = 7
    /// The least time of a run that counts, in seconds: far more than it takes to wake a worker.
    private static let leastTime = 0.008

    /// Gets memory and touches all of it. Throws: `StorageError`.
    public init(_ backend: CPUBackend) throws(StorageError) {
        self.backend = backend
        memory = try Storage(zeroedBytes: Self.memoryBytes)
        // Untouched pages all read as one page of zeros: each is made real before the first run.
        for offset in stride(from: 0, to: memory.bytes, by: 4096) {
            memory.base.storeBytes(of: 1, toByteOffset: offset, as: UInt8.self)
        }
    }

    /// Measures a limit, for one thread and for all; nil where this processor lacks it.
    public func rate(of limit: MachineLimit) -> MachineRate? {
        guard let one = fastest(limit, alone: true), let all = fastest(limit, alone: false) else {
            return nil
        }
        let isOfMedium = limit == backend.kernels.roundedLimit(backend.sumOrder)
        return MachineRate(
            limit: limit, perCore: one.perSecond, allCores: all.perSecond,
            way: isOfMedium ? "\(all.way); medium's products" : all.way)
    }

    /// Measures a limit for all threads together. Cost: a tenth of a second, of
    /// memory the time of 21 reads of a GiB.
    public func allCores(_ limit: MachineLimit) -> Double? {
        fastest(limit, alone: false)?.perSecond
    }

    private typealias Reading = (perSecond: Double, way: String)

    private func fastest(_ limit: MachineLimit, alone: Bool) -> Reading? {
        switch limit {
        case .memoryRead:
            let readings = [1, 4, 8].map { (read(streams: $0, alone: alone), streams($0)) }
            return readings.max { $0.0 < $1.0 }
        case .memoryCopy:
            return (copy(alone: alone), "kernel \(backend.kernels.name)")
        case .float32:
            let table = backend.table
            let operations = 2 * Double(table.probe_operations)
            return (
                compute(table.probe_multiply_add, operations, alone: alone),
                "kernel \(backend.kernels.name)"
            )
        case .float16, .bfloat16, .int8, .bfloat16Tiles, .int8Tiles:
            guard let unit = limit.unitOfArithmetic?.pointee else { return nil }
            return (compute(unit.probe, unit.operations, alone: alone), String(cString: unit.way))
        }
    }

    private func streams(_ count: Int) -> String {
        count == 1 ? "1 stream a core" : "\(count) streams a core"
    }

    /// Bytes read per second, each once.
    private func read(streams: Int, alone: Bool) -> Double {
        var arguments = arguments
        arguments.streams = Int32(streams)
        let bytes = Double(arguments.chunks * arguments.chunk_bytes)
        return bytes / median(backend.table.probe_read, &arguments, alone: alone)
    }

    /// Bytes per second of a copy: those read and those written.
    private func copy(alone: Bool) -> Double {
        let half = memory.bytes / 2
        let width = 1 << 20
        var arguments = tern_copy_args(
            input: memory.base, output: memory.base + half,
            rows: Int64(half / (4 * width)), width: Int64(width), input_row: Int64(width),
            output_row: Int64(width))
        return Double(2 * half) / median(backend.table.copy, &arguments, alone: alone)
    }

    /// Operations per second of a probe in registers, whose rounds have so many each.
    private func compute(_ probe: tern_kernel, _ operations: Double, alone: Bool) -> Double {
        var arguments = arguments
        let workers = Int64(alone ? 1 : backend.pool.workers)
        arguments.rounds = 1
        let round = median(probe, &arguments, alone: true)
        arguments.rounds = workers * max(1, Int64((Self.leastTime / round).rounded(.up)))
        let seconds = median(probe, &arguments, alone: alone)
        return operations * Double(arguments.rounds) / seconds
    }

    private var arguments: tern_probe_args {
        tern_probe_args(
            memory: memory.base.assumingMemoryBound(to: CChar.self),
            chunks: Int64(memory.bytes / Self.chunkBytes), chunk_bytes: Int64(Self.chunkBytes),
            streams: 1, rounds: 0, sink: 0)
    }

    /// The median time of several runs of a kernel. Unit: seconds.
    private func median<Arguments: BitwiseCopyable>(
        _ kernel: tern_kernel, _ arguments: inout Arguments, alone: Bool
    ) -> Double {
        var times: [Double] = []
        for _ in 0..<Self.repetitions {
            let start = ContinuousClock.now
            backend.pool.run(kernel, &arguments, alone: alone)
            times.append((ContinuousClock.now - start) / .seconds(1))
        }
        // A clock that is too coarse to see a run must not divide by zero.
        return max(times.sorted()[Self.repetitions / 2], 1e-9)
    }
}
