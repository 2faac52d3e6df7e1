// The composition root: the only file that names backends, and what the machine offers them.

import Glibc
import TernBench
import TernCPU
import TernEngine
import TernPlanning
import TernTensor

/// The devices that can be asked for.
private enum Device: String, CaseIterable {
    case cpu
    case reference
}

/// What an engine runs on.
struct Hardware {
    /// What an engine gets.
    let engine: EngineHardware

    private let processors: [Int]

    /// The hardware that the flags ask for, divided among ranks: neighbouring processors for each,
    /// to which its threads are pinned. Where there are more ranks than processors, ranks share
    /// them, unpinned, and do not spin while they wait.
    init(_ arguments: Arguments, ranks: Int) throws(UsageError) {
        let available = Processors.available()
        let threads = try arguments.integer("--threads", in: 1...available.count)
        let processors = Array(available.prefix(threads ?? available.count))
        self.processors = processors
        let isShared = ranks > processors.count
        let share = TokenPartition(tokens: processors.count, among: ranks)
        let backend: @Sendable (RankID, Topology) throws -> any Backend
        switch try arguments.choice("--device", of: Device.self) ?? .cpu {
        case .cpu:
            backend = { rank, _ in
                let index = Int(rank.rawValue)
                let own =
                    isShared
                    ? [processors[index % processors.count]] : Array(processors[share[index]])
                return try CPUBackend(processors: own, pins: !isShared)
            }
        case .reference: backend = { _, _ in ReferenceBackend() }
        }
        engine = EngineHardware(
            freeBytes: Self.freeBytes, spin: isShared ? .zero : .microseconds(50),
            backend: backend)
    }

    /// What the same processors could do at best.
    func rates() throws -> MachineRates {
        let limits = try MachineLimits.probe(CPUBackend(processors: processors, pins: false))
        return MachineRates(
            readBytesPerSecond: limits.readBytesPerSecond,
            operationsPerSecond: limits.floatOperationsPerSecond)
    }

    /// Memory that a new process could use, in bytes: what the kernel counts as available, within
    /// the limit of the control group.
    static var freeBytes: Int {
        let available = number(in: "/proc/meminfo", after: "MemAvailable:").map { $0 * 1024 }
        let limit = number(in: "/sys/fs/cgroup/memory.max", after: "")
        let used = number(in: "/sys/fs/cgroup/memory.current", after: "") ?? 0
        return min(available ?? 1 << 32, limit.map { $0 - used } ?? .max)
    }

    private static func number(in path: String, after key: String) -> Int? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        while fgets(&line, Int32(line.count), file) != nil {
            let text = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self)
            guard text.hasPrefix(key) else { continue }
            return Int(text.dropFirst(key.count).drop { $0 == " " }.prefix { $0.isNumber })
        }
        return nil
    }
}
