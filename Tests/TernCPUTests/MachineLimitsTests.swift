import Glibc
import TernCPU
import Testing

@Suite("Machine limits")
struct MachineLimitsTests {
    @Test("Every limit that the processor has is measured, and none is absurd")
    func probe() throws {
        var shares: [Double] = []
        let found = try MachineLimits.probe(CPUBackend(pins: false)) { shares.append($0) }
        for rate in found.rates {
            let range = rate.limit.unit == .bytes ? 1e8...1e13 : 1e7...1e16
            #expect(range.contains(rate.perCore), "\(rate)")
            #expect(range.contains(rate.allCores), "\(rate)")
            #expect(!rate.way.isEmpty)
        }
        #expect(shares == shares.sorted() && shares.last == 1)
        for limit in [MachineLimit.memoryRead, .memoryCopy, .float32] {
            #expect(found[limit] != nil)
        }
    }

    @Test("A limit is absent exactly where the system lists none of its instructions")
    func absent() throws {
        let flags: [(MachineLimit, Set<String>)] = [
            (.float16, ["avx512_fp16"]), (.bfloat16, ["avx512_bf16"]),
            (.int8, ["avx512_vnni", "avx_vnni"]), (.bfloat16Tiles, ["amx_bf16"]),
            (.int8Tiles, ["amx_int8"]),
        ]
        let listed = try processorFlags()
        let found = try MachineLimits.probe(CPUBackend(processors: [0], pins: false))
        for (limit, names) in flags {
            // The system may list what it or its hypervisor refuses to lend; never the reverse.
            if listed.isDisjoint(with: names) { #expect(found[limit] == nil, "\(limit)") }
        }
        for (limit, names) in flags.prefix(3) where !listed.isDisjoint(with: names) {
            #expect(found[limit] != nil, "\(limit)")
        }
    }

    @Test("Names and keys of limits are their own")
    func names() {
        let limits = MachineLimit.allCases
        #expect(Set(limits.map(\.name)).count == limits.count)
        #expect(Set(limits.map(\.rawValue)).count == limits.count)
    }

    /// What Linux lists of the first processor.
    private func processorFlags() throws -> Set<String> {
        let file = try #require(fopen("/proc/cpuinfo", "r"))
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 1 << 14)
        while fgets(&line, Int32(line.count), file) != nil {
            let text = String(
                decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            guard text.hasPrefix("flags") else { continue }
            return Set(text.split { $0 == " " || $0 == "\n" }.map(String.init))
        }
        return []
    }
}
