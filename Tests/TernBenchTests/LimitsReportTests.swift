import TernBench
import Testing

@Suite("Limits report")
struct LimitsReportTests {
    private func report(threads: Int) -> LimitsReport {
        LimitsReport(
            threads: threads,
            rows: [
                .init(
                    key: "memory_read", name: "memory read", unit: .bytes,
                    rate: .init(perCore: 16.34e9, allCores: 31.8e9, way: "8 streams a core")),
                .init(
                    key: "fp32_fma", name: "fp32 FMA", unit: .operations,
                    rate: .init(perCore: 1.18e11, allCores: 2.36e11, way: "kernel avx512")),
                .init(key: "amx_int8", name: "int8 tiles (AMX)", unit: .operations, rate: nil),
            ])
    }

    @Test("The table has every limit, for one core and for all, with its unit and its way")
    func table() {
        let lines = report(threads: 2).table.split(separator: "\n").map {
            $0.split(separator: " ").joined(separator: " ")
        }
        #expect(
            lines == [
                "1 core 2 cores", "memory read 16.3 31.8 GB/s, 8 streams a core",
                "fp32 FMA 118.0 236.0 Gop/s, kernel avx512",
                "int8 tiles (AMX) not on this processor",
            ])
    }

    @Test("Figures of all limits stand in the same columns")
    func columns() throws {
        let lines = report(threads: 16).table.split(separator: "\n").dropLast()
        #expect(lines[0].hasSuffix("  16 cores"))
        let width = lines[0].count
        for line in lines.dropFirst() {
            let place = line.index(line.startIndex, offsetBy: width)
            #expect(line[..<place].last?.isNumber == true && line[place] == " ")
        }
    }
}
