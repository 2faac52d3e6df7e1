// What of this process is in memory, beside what an engine must have there: weights, and the keys and
// values of the tokens it holds. Everything else is overhead, buffers between layers among it.

import Glibc
import TernEngine

/// The memory of this process at one moment, while an engine's ranks run in it.
struct ResidentMemory {
    /// Bytes that the process has touched and still holds.
    let residentBytes: Int
    /// Weights, and the blocks of the cache that were in use.
    let neededBytes: Int

    /// Looks now; `sequences` of so many tokens each were the most in the cache at a time.
    init(of engine: Engine, sequences: Int, tokens: Int) {
        let memory = engine.memory
        let blocks = sequences * ((tokens + memory.blockSize - 1) / memory.blockSize)
        let blockBytes = memory.cacheBytes / max(memory.blockCount, 1)
        neededBytes = memory.weightBytes + min(blocks, memory.blockCount) * blockBytes
        residentBytes = Self.residentPages * Int(getpagesize())
    }

    /// How many times the memory that is needed is held.
    var share: Double { Double(residentBytes) / Double(max(neededBytes, 1)) }

    /// The second number of the kernel's file: pages that are resident.
    private static var residentPages: Int {
        guard let file = fopen("/proc/self/statm", "r") else { return 0 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        guard fgets(&line, Int32(line.count), file) != nil else { return 0 }
        let text = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self)
        return text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
    }
}
