import Glibc
import TernJSON
import TernTesting
import Testing

/// `tern bench perplexity` as a user runs it.
@Suite("Perplexity command")
struct BenchPerplexityTests {
    private let folder: TemporaryFolder
    private var file: String { folder.path + "/text.txt" }

    init() throws { folder = try TemporaryFolder() }

    private func run(
        _ arguments: [String], model: String = Fixture.telemachus
    ) throws -> TernProcess.Outcome {
        try TernProcess.run(
            ["bench", "perplexity", model, file, "--max-num-seqs", "8", "--max-model-len", "2049"]
                + arguments)
    }

    private func json(_ arguments: [String]) throws -> String {
        let outcome = try run(arguments + ["--json"])
        #expect(outcome.status == 0, "\(outcome.errors)")
        return outcome.output
    }

    /// The text that transformers scored.
    private func golden() throws -> JSON {
        let golden = try Fixture.golden("perplexity.json")
        try folder.write("text.txt", try #require(golden["text"]?.string).utf8)
        return golden
    }

    @Test("The perplexity of a text is that of transformers, in float32 and in bfloat16")
    func transformers() throws {
        let golden = try golden()
        for cut in try #require(golden["cuts"]?.array) {
            let length = try #require(cut["max_length"]?.integer)
            let stride = try #require(cut["stride"]?.integer)
            let expected = try #require(cut["nats_per_token"]?.number)
            // The weights are bfloat16 in the file; so is the cache, unless float32 is asked for.
            for (dtype, tolerance) in [("float32", 2e-5), ("bfloat16", 5e-3)] {
                let found = try JSON(
                    parsing: json([
                        "--max-length", "\(length)", "--stride", "\(stride)", "--dtype", dtype,
                    ]))
                for name in ["windows", "scored_tokens"] { #expect(found[name] == cut[name]) }
                for name in ["text_tokens", "text_bytes"] { #expect(found[name] == golden[name]) }
                let nats = try #require(found["nats_per_token"]?.number)
                #expect(abs(nats - expected) < tolerance, "\(dtype), \(length), \(stride)")
                let perplexity = try #require(found["perplexity"]?.number)
                #expect(abs(log(perplexity) - nats) < 1e-9)
            }
        }
    }

    @Test("Every digit stays where two ranks share the work, or steps are smaller")
    func ranks() throws {
        _ = try golden()
        let one = try json(["--max-length", "100"])
        #expect(try one == json(["--max-length", "100", "-sp", "2"]))
        #expect(try one == json(["--max-length", "100", "--max-num-batched-tokens", "24"]))
    }

    @Test("A file that cannot be scored, and sizes that do not fit, are refused by name")
    func refusals() throws {
        let contents: [([UInt8], [String], String)] = [
            ([], [], "/text.txt is empty"),
            ([0x41, 0xFF, 0x42], [], "/text.txt is not UTF-8: byte 1"),
            (Array("a text".utf8), ["--max-length", "4096"], "--max-length is 4096; it must be"),
            (
                Array("a text".utf8), ["--max-length", "8", "--stride", "9"],
                "--stride is 9; it must be at most the window's 8 tokens"
            ),
        ]
        for (content, flags, message) in contents {
            try folder.write("text.txt", content)
            let outcome = try run(flags)
            #expect(outcome.status == 1 && outcome.errors.contains(message), "\(outcome.errors)")
        }
        unlink(file)
        #expect(try run([]).errors.contains("/text.txt is missing"))
    }

    @Test("A tokenizer with more tokens than the model is refused by the token")
    func longerVocabulary() throws {
        let model = try TemporaryFolder()
        for name in TemporaryFolder.names(in: Fixture.families + "/llama") {
            try model.write(name, Fixture.bytes(Fixture.families + "/llama/" + name))
        }
        for name in ["tokenizer.json", "tokenizer_config.json"] {
            try model.write(name, Fixture.bytes(Fixture.telemachus + "/" + name))
        }
        try folder.write("text.txt", "Tell me, O Muse".utf8)
        let outcome = try TernProcess.run(
            ["bench", "perplexity", model.path, file, "--max-length", "8"])
        #expect(outcome.status == 1)
        #expect(outcome.errors.contains("is not in the vocabulary of"), "\(outcome.errors)")
    }
}
