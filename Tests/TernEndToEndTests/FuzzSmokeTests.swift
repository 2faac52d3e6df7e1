import Glibc
import TernTesting
import Testing

/// The fuzzers run long elsewhere; here each shows that it works, and that nothing shallow is broken.
@Suite("Fuzzers")
struct FuzzSmokeTests {
    @Test(
        "A second of wrong inputs ends no reader",
        arguments: [
            "json", "safetensors", "quantized", "gguf", "config", "tokenizer", "template", "schema",
            "request", "http",
        ])
    func second(target: String) throws {
        let folder = try TemporaryFolder()
        let outcome = try TernProcess.run(
            ["--target", target, "--seconds", "1", "--keep", folder.path], program: "tern-fuzz")
        #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors.prefix(4000))")
        #expect(outcome.output.hasPrefix("\(target): "), "\(outcome.output)")
    }

    @Test("A target that is none is refused with those that are")
    func unknownTarget() throws {
        let outcome = try TernProcess.run(["--target", "nothing"], program: "tern-fuzz")
        #expect(outcome.status == 2 && outcome.output.contains("nothing"))
    }
}
