// Looks into the kernel's file for what of this process is in memory, while an engine's ranks run in
// it.

import Glibc
import TernBench
import TernEngine

extension ResidentBytes {
    /// Looks now; `sequences` of so many tokens each were the most in the cache at a time.
    init(of engine: Engine, sequences: Int, tokens: Int) {
        let memory = engine.memory
        let blocks = sequences * ((tokens + memory.blockSize - 1) / memory.blockSize)
        let blockBytes = memory.cacheBytes / max(memory.blockCount, 1)
        let status = Self.status()
        self.init(
            files: Self.bytes("RssFile:", of: status) + Self.bytes("RssShmem:", of: status),
            anonymous: Self.bytes("RssAnon:", of: status), weights: memory.weightBytes,
            cache: min(blocks, memory.blockCount) * blockBytes)
    }

    /// The lines of the kernel's file, which has no size before it is read; none where it cannot be.
    private static func status() -> [Substring] {
        guard let file = fopen("/proc/self/status", "r") else { return [] }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 14)
        bytes.removeLast(bytes.count - fread(&bytes, 1, bytes.count, file))
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n")
    }

    /// What a line says, which is in units of 1,024 bytes.
    private static func bytes(_ name: String, of status: [Substring]) -> Int {
        let line = status.first { $0.hasPrefix(name) }
        let number = line?.split { $0 == " " || $0 == "\t" }.dropFirst().first
        return 1024 * (number.flatMap { Int($0) } ?? 0)
    }
}
