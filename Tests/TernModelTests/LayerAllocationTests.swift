import CAllocationCounter
import TernCPU
import TernModel
import TernTensor
import TernTesting
import Testing

@Suite("Allocations of a step")
struct LayerAllocationTests {
    /// Heap allocations of one decode step of a model of so many layers.
    private func allocations(_ family: String, layers: Int) throws -> Int64 {
        let folder = try TemporaryFolder()
        let shape = #""vocab_size": 64, "hidden_size": 32, "intermediate_size": 48"#
        let heads = #""num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8"#
        let experts = #""num_experts": 6, "num_experts_per_tok": 3, "moe_intermediate_size": 24"#
        let model = #""architectures": ["\#(family)"], "num_hidden_layers": \#(layers)"#
        try folder.write("config.json", "{\(model), \(shape), \(heads), \(experts)}".utf8)
        let runner = try ModelRunner(
            folder: folder.path, dtype: .bfloat16, backend: CPUBackend(pins: false),
            source: .dummy(seed: 1))
        for position in 0..<20 { _ = runner.logits([position], at: position) }
        let before = allocation_count()
        _ = runner.logits([1], at: 20)
        return allocation_count() - before
    }

    @Test(
        "A decode step allocates nothing on the heap per layer",
        arguments: ["Qwen3ForCausalLM", "Qwen3MoeForCausalLM"])
    func perLayer(family: String) throws {
        #expect(try allocations(family, layers: 2) == allocations(family, layers: 8))
    }
}
