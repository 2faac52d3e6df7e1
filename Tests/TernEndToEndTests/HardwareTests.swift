import Glibc
import TernTesting
import Testing

@testable import tern

@Suite("Hardware")
struct HardwareTests {
    /// Free bytes as the files of one folder tell.
    private func freeBytes(_ files: [String: String]) throws -> Int {
        let folder = try TemporaryFolder()
        for (name, content) in files { try folder.write(name, content.utf8) }
        return Hardware.freeBytes(system: folder.path, group: folder.path)
    }

    @Test("Free memory is what is available, within the limit of the control group")
    func free() throws {
        var files = ["meminfo": "MemTotal:  9000 kB\nMemFree: 1 kB\nMemAvailable:   4000 kB\n"]
        #expect(try freeBytes(files) == 4_096_000)
        files["memory.max"] = "max\n"
        files["memory.current"] = "5000000\n"
        #expect(try freeBytes(files) == 4_096_000)
        files["memory.max"] = "6000000\n"
        #expect(try freeBytes(files) == 1_000_000)
        files["memory.max"] = "4000000\n"
        #expect(try freeBytes(files) == 0)
    }

    @Test("Pages of files that the control group holds count as free, for they give way")
    func cachedFiles() throws {
        let files = [
            "meminfo": "MemAvailable: 9000 kB\n", "memory.max": "6000000\n",
            "memory.current": "5900000\n",
            "memory.stat": "anon 100000\nfile 5800000\ninactive_file 5000000\nactive_file 700000\n",
        ]
        #expect(try freeBytes(files) == 5_800_000)
    }

    @Test("A small limit of the stack ends no step of many rows: kernels bring their own")
    func smallStack() throws {
        let folder = try TemporaryFolder()
        let model = """
            {"architectures": ["LlamaForCausalLM"], "vocab_size": 4096, "hidden_size": 1024,
             "intermediate_size": 2048, "num_hidden_layers": 1, "num_attention_heads": 8,
             "num_key_value_heads": 8, "torch_dtype": "bfloat16"}
            """
        try folder.write("config.json", model.utf8)
        let command =
            "ulimit -s 512 && exec '\(TernProcess.executable())' bench latency '\(folder.path)'"
            + " --load-format dummy --input-len 500 --output-len 2 --num-iters 1 --json 2>&1"
        let run = try #require(popen(command, "r"))
        var output: [UInt8] = []
        while case let byte = getc(run), byte != EOF {
            output.append(UInt8(truncatingIfNeeded: byte))
        }
        let status = pclose(run)
        #expect(status == 0, "\(String(decoding: output, as: UTF8.self))")
    }
}
