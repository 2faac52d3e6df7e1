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
    private let nodes: [MemoryNode]
    /// Nil where ranks run wherever the system puts them.
    private let placement: RankPlacement?

    /// The hardware that the flags ask for, divided among ranks: for each neighbouring processors,
    /// of one memory node if possible, to which its threads are pinned. Where there are more ranks
    /// than processors, ranks share them, unpinned, and do not spin while they wait.
    init(_ arguments: Arguments, _ topology: Topology) throws(UsageError) {
        let available = Processors.available()
        let threads = try arguments.integer("--threads", in: 1...available.count)
        processors = Array(available.prefix(threads ?? available.count))
        nodes = MemoryNode.nodes(of: processors)
        let placement = RankPlacement(topology, nodes: nodes.map(\.processors))
        let precision =
            try arguments.choice("--matmul-precision", of: ProductPrecision.self) ?? .highest
        let backend: @Sendable (RankID, Topology) throws -> any Backend
        switch try arguments.choice("--device", of: Device.self) ?? .cpu {
        case .cpu:
            backend = { rank, _ in
                try CPUBackend(
                    processors: placement[rank], pins: !placement.isShared, precision: precision)
            }
            self.placement = placement
        case .reference:
            backend = { _, _ in
                ReferenceBackend(precision: precision, sumOrder: KernelSet.machineOrder)
            }
            self.placement = nil
        }
        engine = EngineHardware(
            freeBytes: Self.freeBytes, spin: placement.isShared ? .zero : .microseconds(50),
            backend: backend)
    }

    /// Where a rank runs, for a person; nil where nobody decides.
    func place(of rank: RankID) -> String? {
        guard let placement else { return nil }
        let own = placement[rank]
        if placement.isShared { return "unpinned" }
        let near = nodes.filter { !Set($0.processors).isDisjoint(with: own) }.map(\.number)
        return "processor\(own.count > 1 ? "s" : "") \(ProcessorList(own)) "
            + "(node\(near.count > 1 ? "s" : "") \(ProcessorList(near)))"
    }

    /// A backend on all the processors together, for ops that are measured alone.
    func backend() throws -> any Backend {
        try CPUBackend(processors: processors, pins: false)
    }

    /// What the same processors could do at best, as far as reports have shares of it.
    func rates() throws -> MachineRates { try rateProbe()() }

    /// Measures the same whenever it is called; holds the memory that it reads from.
    func rateProbe() throws -> () -> MachineRates {
        let probe = try MachineProbe(CPUBackend(processors: processors, pins: false))
        return {
            MachineRates(
                readBytesPerSecond: probe.allCores(.memoryRead) ?? 0,
                operationsPerSecond: probe.allCores(.float32) ?? 0,
                int8OperationsPerSecond: [.int8, .int8Tiles].compactMap(probe.allCores).max())
        }
    }

    /// All that the same processors could do at best.
    func limits(progress: (Double) -> Void) throws -> LimitsReport {
        let backend = try CPUBackend(processors: processors, pins: false)
        let limits = try MachineLimits.probe(backend, progress: progress)
        let rows = MachineLimit.allCases.map { limit in
            LimitsReport.Row(
                key: limit.rawValue, name: limit.name,
                unit: limit.unit == .bytes ? .bytes : .operations,
                rate: limits[limit].map {
                    LimitsReport.Rate(perCore: $0.perCore, allCores: $0.allCores, way: $0.way)
                })
        }
        return LimitsReport(threads: processors.count, rows: rows)
    }

    /// Memory that a new process could use, in bytes: what the kernel counts as available, within
    /// the limit of the control group.
    static var freeBytes: Int { freeBytes(system: "/proc", group: "/sys/fs/cgroup") }

    /// The same, told by the files of two folders.
    static func freeBytes(system: String, group: String) -> Int {
        let available = number(in: system + "/meminfo", after: "MemAvailable:").map { $0 * 1024 }
        let limit = number(in: group + "/memory.max", after: "")
        let used = number(in: group + "/memory.current", after: "") ?? 0
        // What was read from files counts as used, a checkpoint's pages too, but gives way.
        let cached = ["inactive_file ", "active_file "].reduce(0) {
            $0 + (number(in: group + "/memory.stat", after: $1) ?? 0)
        }
        return min(available ?? 1 << 32, limit.map { max(0, $0 - used + cached) } ?? .max)
    }

    private static func number(in path: String, after key: String) -> Int? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        while fgets(&line, Int32(line.count), file) != nil {
            let text = String(
                decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            guard text.hasPrefix(key) else { continue }
            return Int(text.dropFirst(key.count).drop { $0 == " " }.prefix { $0.isNumber })
        }
        return nil
    }
}
