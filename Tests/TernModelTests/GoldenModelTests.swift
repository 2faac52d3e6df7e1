import TernCPU
import TernJSON
import TernModel
import TernTensor
import TernTesting
import Testing

@Suite("Golden models")
struct GoldenModelTests {
    static let families = TemporaryFolder.names(in: Fixture.families)

    /// What transformers answered to one prompt.
    private struct Golden {
        let prompt: [Int]
        let logits: [Float]
        let tokens: [Int]

        init(_ json: JSON) throws {
            prompt = try #require(json["prompt_token_ids"]?.array).compactMap(\.integer)
            logits = try #require(json["logits"]?.array).compactMap(\.number).map { Float($0) }
            tokens = try #require(json["token_ids"]?.array).compactMap(\.integer)
        }

        static func all(of family: String) throws -> [Golden] {
            let expected = try Fixture.golden("families/\(family)/expected.json")
            return try #require(expected["prompts"]?.array).map(Golden.init)
        }
    }

    private func largestError(_ found: [Float], _ expected: [Float]) -> Float {
        guard found.count == expected.count else { return .infinity }
        return zip(found, expected).map { abs($0 - $1) }.max() ?? .infinity
    }

    @Test(
        "Each family's logits and greedy tokens are those of transformers in float32",
        arguments: families)
    func matchesTransformers(family: String) throws {
        let runner = try ModelRunner(
            folder: Fixture.families + "/" + family, dtype: .float32,
            backend: CPUBackend(pins: false))
        for golden in try Golden.all(of: family) {
            #expect(largestError(runner.logits(golden.prompt, at: 0), golden.logits) < 1e-3)
            #expect(runner.greedy(golden.prompt, count: golden.tokens.count) == golden.tokens)
        }
    }

    @Test(
        "The reference backend alone gives the same logits",
        arguments: ["llama-biases", "qwen3", "qwen3-moe-dense-layers"])
    func referenceMatches(family: String) throws {
        let runner = try ModelRunner(
            folder: Fixture.families + "/" + family, dtype: .float32, backend: ReferenceBackend())
        let golden = try #require(try Golden.all(of: family).first)
        #expect(largestError(runner.logits(golden.prompt, at: 0), golden.logits) < 1e-3)
    }

    @Test("A head that the file holds counts more than the flag that ties it")
    func tiedByFlagAlone() throws {
        let source = Fixture.families + "/llama"
        let folder = try TemporaryFolder()
        var config = try #require(JSON(parsing: Fixture.bytes(source + "/config.json")).object)
        #expect(config["tie_word_embeddings"] == false)
        config["tie_word_embeddings"] = true
        try folder.write("config.json", JSON.object(config).text().utf8)
        try folder.write("model.safetensors", Fixture.bytes(source + "/model.safetensors"))
        let runner = try ModelRunner(
            folder: folder.path, dtype: .float32, backend: CPUBackend(pins: false))
        let golden = try #require(try Golden.all(of: "llama").first)
        #expect(largestError(runner.logits(golden.prompt, at: 0), golden.logits) < 1e-3)
    }

    @Test("Experts with a tensor each and experts that share one give the same bits")
    func expertSpellings() throws {
        let logits = try ["mixtral", "mixtral-fused"].map { family in
            let runner = try ModelRunner(
                folder: Fixture.families + "/" + family, dtype: .bfloat16,
                backend: CPUBackend(pins: false))
            return runner.logits([5, 130, 7, 64], at: 0).map(\.bitPattern)
        }
        #expect(logits[0] == logits[1] && Set(logits[0]).count > 100)
    }

    @Test("A bfloat16 model stays near the float32 one", arguments: families)
    func bfloat16(family: String) throws {
        let runner = try ModelRunner(
            folder: Fixture.families + "/" + family, dtype: .bfloat16,
            backend: CPUBackend(pins: false))
        for golden in try Golden.all(of: family) {
            let scale = golden.logits.map(abs).max() ?? 1
            let error = largestError(runner.logits(golden.prompt, at: 0), golden.logits)
            #expect(error < 0.06 * scale)
        }
    }

    @Test(
        "Any chunking of a prompt gives the same bits",
        arguments: [
            "llama", "qwen3", "qwen3-moe", "mixtral", "gemma2", "gemma3", "gpt-oss",
            "deepseek-v2-lite", "deepseek-v3",
        ])
    func chunking(family: String) throws {
        let runner = try ModelRunner(
            folder: Fixture.families + "/" + family, dtype: .bfloat16,
            backend: CPUBackend(pins: false))
        let prompt = (0..<70).map { ($0 * 37 + 11) % 131 }
        let whole = runner.logits(prompt, at: 0)
        for chunk in [1, 3, 16, 33] {
            var last: [Float] = []
            for start in stride(from: 0, to: prompt.count, by: chunk) {
                last = runner.logits(Array(prompt[start..<min(start + chunk, 70)]), at: start)
            }
            #expect(last.map(\.bitPattern) == whole.map(\.bitPattern), "chunks of \(chunk)")
        }
    }
}
