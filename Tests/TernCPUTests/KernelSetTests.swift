// Which sets of kernels a processor is offered: never one whose instructions it lacks.

import Glibc
import TernCPU
import Testing

@Suite("Sets of kernels")
struct KernelSetTests {
    @Test("The best set is the first that is available and gains; the last runs anywhere")
    func order() throws {
        let available = KernelSet.available.map(\.name)
        // Pairs of bfloat16 are multiplied faster than float32 on AMD's processors alone.
        let gains = try processorFlags("vendor_id").contains("AuthenticAMD")
        #expect(available.first { $0 != "avx512bf16" || gains } == KernelSet.best.name)
        #expect(available.last == "portable")
        #expect(available == KernelSet.names.filter { available.contains($0) })
    }

    @Test("A set is available only where the processor's flags have what it needs")
    func flags() throws {
        #if arch(x86_64)
            let flags = try processorFlags()
            let needs = [
                "amx": ["amx_tile", "amx_int8", "amx_bf16", "avx512_vnni"],
                "avx512bf16": ["avx512f", "avx512_vnni", "avx512_bf16"],
                "avx512vnni": ["avx512f", "avx512_vnni"], "avx512": ["avx512f"],
                "avx2": ["avx2", "fma", "f16c"],
            ]
            for name in KernelSet.available.map(\.name) {
                let missing = needs[name, default: []].filter { !flags.contains($0[...]) }
                #expect(missing.isEmpty, "\(name) without \(missing)")
            }
        #endif
    }

    @Test("A set that cannot run here is refused by name, not run")
    func refusal() {
        for name in KernelSet.names where !KernelSet.available.contains(where: { $0.name == name })
        {
            #expect(throws: CPUBackendError.self) { try KernelSet(named: name) }
        }
        #expect(throws: CPUBackendError.self) { try KernelSet(named: "amx-of-another-name") }
    }

    /// The flags of the first processor, or another line of words, as Linux tells them.
    private func processorFlags(_ key: String = "flags") throws -> Set<Substring> {
        let file = try #require(fopen("/proc/cpuinfo", "r"))
        defer { fclose(file) }
        var line: UnsafeMutablePointer<CChar>?
        var capacity = 0
        defer { free(line) }
        while getline(&line, &capacity, file) > 0 {
            guard let text = line.map({ String(cString: $0) }), text.hasPrefix(key) else {
                continue
            }
            return Set(text.split(whereSeparator: \.isWhitespace))
        }
        return []
    }
}
