import TernJSON
import TernTesting
import Testing

@Suite("Bench limits")
struct BenchLimitsTests {
    private let keys = [
        "memory_read", "memory_copy", "fp32_fma", "fp16_fma", "bf16_dot", "int8_dot", "amx_bf16",
        "amx_int8",
    ]

    @Test("Every limit is in the JSON, null where the processor lacks it")
    func json() throws {
        let outcome = try TernProcess.run(["bench", "limits", "--json", "--threads", "1"])
        #expect(outcome.status == 0, "\(outcome.errors)")
        let report = try JSON(parsing: outcome.output)
        #expect(report["threads"] == 1)
        for key in keys {
            let limit = try #require(report[key], "\(key)")
            guard !limit.isNull else { continue }
            let unit = key.hasPrefix("memory") ? "bytes_per_s" : "op_per_s"
            #expect(limit["unit"]?.string == unit)
            #expect(try #require(limit["per_core"]?.number) > 0)
            #expect(try #require(limit["all_cores"]?.number) > 0)
            #expect(limit["way"]?.string?.isEmpty == false)
        }
    }

    @Test("The table names every limit, and no model is asked for")
    func table() throws {
        let outcome = try TernProcess.run(["bench", "limits"])
        #expect(outcome.status == 0, "\(outcome.errors)")
        for name in ["memory read", "memory copy", "fp32 FMA", "fp16", "bf16", "int8", "AMX"] {
            #expect(outcome.output.contains(name), "\(name)")
        }
        #expect(outcome.output.split(separator: "\n").count == keys.count + 1)
        let help = try TernProcess.run(["bench", "limits", "--help"])
        #expect(help.output.hasPrefix("usage: tern bench limits [options]\n"))
        let extra = try TernProcess.run(["bench", "limits", "model"])
        #expect(extra.status == 1 && extra.errors.contains("takes nothing, found model"))
    }
}
