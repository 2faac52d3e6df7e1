import TernCPU
import TernModel
import TernTensor
import TernTesting
import Testing

@Suite("Runs and meetings of workers")
struct MeetingTests {
    /// What one layer of the 125 M shape adds to a step of so many tokens.
    private func perLayer(tokens: Int) throws -> (runs: Int, meetings: Int) {
        func counts(layers: Int) throws -> (runs: Int, meetings: Int) {
            let folder = try TemporaryFolder()
            let shape = #""vocab_size": 64, "hidden_size": 768, "intermediate_size": 2048"#
            let heads = #""num_attention_heads": 12, "num_key_value_heads": 4, "head_dim": 64"#
            let model = #""architectures": ["LlamaForCausalLM"], "num_hidden_layers": \#(layers)"#
            try folder.write("config.json", "{\(model), \(shape), \(heads)}".utf8)
            let backend = try CPUBackend(processors: [0, 1], pins: false)
            let runner = try ModelRunner(
                folder: folder.path, dtype: .bfloat16, backend: backend, source: .dummy(seed: 1))
            let before = (backend.pool.runs, backend.pool.meetings)
            _ = runner.logits(Array(repeating: 1, count: tokens), at: 0)
            return (backend.pool.runs - before.0, backend.pool.meetings - before.1)
        }
        let (few, many) = try (counts(layers: 1), counts(layers: 2))
        return (many.runs - few.runs, many.meetings - few.meetings)
    }

    @Test("One token takes 12 kernels a layer: workers meet for five products and attention")
    func decode() throws {
        #expect(try perLayer(tokens: 1) == (12, 6))
    }

    @Test("Twelve tokens take 17 kernels a layer, for products lay their inputs side by side")
    func prefill() throws {
        let (runs, meetings) = try perLayer(tokens: 12)
        #expect(runs == 17)
        #expect(meetings == 8)
    }
}
