import TernEngine
import TernPlanning
import Testing

@testable import tern

@Suite("Arguments")
struct ArgumentsTests {
    private func parsed(_ words: String...) throws -> Arguments {
        try parsed(words)
    }

    private func parsed(_ words: [String]) throws -> Arguments {
        try Arguments(words, for: Generate.command)
    }

    @Test("Flags are read in both spellings, and switches without a value")
    func spellings() throws {
        let arguments = try parsed(
            "M", "--max-tokens", "5", "--top_p=0.5", "--stop", "a", "--stop=b=c", "--ignore-eos")
        #expect(arguments.positionals == ["M"])
        #expect(try arguments.integer("--max-tokens", in: 1...9) == 5)
        #expect(try arguments.number("--top-p") == 0.5)
        #expect(arguments.texts("--stop") == ["a", "b=c"])
        #expect(arguments.has("--ignore-eos") && !arguments.has("--json"))
    }

    @Test("A model is called by the last part of its path, without the ending of a file")
    func modelNames() {
        let names = ["a/b/", "b.gguf", "/a/b.gguf", "b", "/"].map(EngineFlags.modelName)
        #expect(names == ["b", "b", "b", "b", "model"])
    }

    @Test("A value may begin with a dash")
    func dashes() throws {
        #expect(try parsed("M", "--prompt", "-x").text("--prompt") == "-x")
        #expect(try parsed("M", "--seed", "-1").text("--seed") == "-1")
    }

    @Test("Mistakes are named with what may stand there")
    func mistakes() {
        let cases: [([String], String)] = [
            (["M", "--max-tokns", "5"], "did you mean --max-tokens?"),
            (["M", "--max-tokens"], "--max-tokens needs a value"),
            (["M", "--json=1"], "--json takes no value"),
            ([], "takes MODEL, found nothing"),
            (["M", "N"], "takes MODEL, found M N"),
        ]
        for (words, message) in cases {
            #expect("\(words)") {
                try Arguments(words, for: Generate.command)
            } throws: { "\($0)".contains(message) }
        }
    }

    @Test("Engine flags reach the engine's configuration")
    func engineFlags() throws {
        let plain = try EngineFlags.configuration(try parsed("M"))
        #expect(plain.enablesPrefixCaching && plain.dtype == nil && plain.maxSequences == 256)
        #expect(plain.cacheType == nil)
        let changed = try EngineFlags.configuration(
            try parsed(
                "M", "--no-enable-prefix-caching", "--dtype", "float16", "--load-format", "dummy",
                "--kv-cache-dtype", "int8",
                "--max-num-batched-tokens", "64", "--block-size", "32", "--seed", "9",
                "--kv-cache-memory-bytes", "1000", "--gpu-memory-utilization", "0.5"))
        #expect(!changed.enablesPrefixCaching)
        #expect(changed.cacheType == .int8)
        #expect(changed.dtype == .float16 && changed.loadFormat == .dummy)
        #expect(changed.maxBatchedTokens == 64 && changed.maxSequences == 64)
        #expect(changed.blockSize == 32 && changed.seed == 9)
        #expect(changed.cacheBytes == 1000 && changed.memoryShare == 0.5)
    }

    @Test("Parallel sizes are read by every name, and so is the rule of the shift")
    func ranks() throws {
        let sizes = ["-sp", "4", "-tp", "2", "--pipeline-parallel-size", "3", "-dp", "2"]
        let engine = try EngineFlags.configuration(try parsed(["M"] + sizes))
        #expect(engine.topology == Topology(data: 2, pipeline: 3, sequence: 4, tensor: 2))
        #expect(engine.shift == .automatic)
        func rule(_ words: String...) throws -> ShiftRule {
            try EngineFlags.configuration(try parsed(["M"] + words)).shift
        }
        #expect(
            try rule("--shift-parallel-threshold", "96") == .given(ShiftPolicy(.threshold(96))))
        #expect(
            try rule("--parallel-mode", "tensor") == .given(ShiftPolicy(.pinned(.tensor))))
        #expect(
            try rule("--no-enable-shift-parallel") == .given(ShiftPolicy(.pinned(.sequence))))
        for (name, value) in [
            ("-sp", "0"), ("--parallel-mode", "both"), ("--shift-parallel-threshold", "-1"),
        ] {
            #expect("\(name)") { try rule(name, value) } throws: { "\($0)".contains(value) }
        }
    }

    @Test("The nearest word is the one with the fewest changes")
    func distance() {
        #expect("kitten".distance(to: "sitting") == 3)
        #expect("".distance(to: "abc") == 3)
        #expect("same".distance(to: "same") == 0)
    }
}
