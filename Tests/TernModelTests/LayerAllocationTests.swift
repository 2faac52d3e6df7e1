import CAllocationCounter
import TernCPU
import TernModel
import TernPlanning
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
        let ranks = #""q_lora_rank": 16, "kv_lora_rank": 16, "n_group": 2, "topk_group": 1"#
        let latent = #""qk_nope_head_dim": 8, "qk_rope_head_dim": 8, "v_head_dim": 8"#
        try folder.write(
            "config.json",
            "{\(model), \(shape), \(heads), \(experts), \(ranks), \(latent)}".utf8)
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
        arguments: [
            "Qwen3ForCausalLM", "Qwen3MoeForCausalLM", "Phi3ForCausalLM", "Gemma3ForCausalLM",
            "GptOssForCausalLM", "DeepseekV2ForCausalLM", "DeepseekV3ForCausalLM",
        ])
    func perLayer(family: String) throws {
        let (few, many) = try (
            allocations(family, layers: 2), allocations(family, layers: 8)
        )
        #expect(few == many)
    }

    /// Heap allocations of each rank in a step of a model of so many layers, once warm.
    private func allocations(
        _ topology: Topology, _ mode: ParallelMode, experts: Int, layers: Int, tokens: Int,
        rowsAtOnce: Int
    ) throws -> [Int64] {
        let model = TinyModel(layers: layers, experts: experts)
        return try ModelRanks(model, topology, rowsAtOnce: rowsAtOnce).onEveryRank { rank in
            _ = try rank.trace(mode, tokens: tokens, sampled: [0])
            return try rank.trace(mode, tokens: tokens, sampled: [0]).allocations
        }
    }

    /// Heap allocations of each rank for each layer.
    private func perLayer(
        _ topology: Topology, _ mode: ParallelMode, experts: Int = 0, tokens: Int = 5,
        rowsAtOnce: Int = StepLimits.usualRowsAtOnce()
    ) throws -> [Int64] {
        func counts(layers: Int) throws -> [Int64] {
            try allocations(
                topology, mode, experts: experts, layers: layers, tokens: tokens,
                rowsAtOnce: rowsAtOnce)
        }
        let (few, many) = try (counts(layers: 2), counts(layers: 4))
        return zip(few, many).map { ($1 - $0) / 2 }
    }

    @Test("Nor does a step on several ranks, in either mode", arguments: ParallelMode.allCases)
    func perLayerOnRanks(mode: ParallelMode) throws {
        for experts in [0, 8] {
            for topology in [
                Topology(sequence: 2, tensor: 2),
                Topology(sequence: 2, tensor: 2, expertGroup: experts > 0 ? .dataTensor : nil),
            ] {
                let found = try perLayer(topology, mode, experts: experts)
                #expect(found == [0, 0, 0, 0], "\(topology), \(experts) experts")
            }
        }
    }

    @Test("Nor does one that is taken in turns")
    func perLayerInTurns() throws {
        for topology in [Topology(), Topology(tensor: 2)] {
            let found = try perLayer(topology, .tensor, tokens: 64, rowsAtOnce: 7)
            #expect(found.allSatisfy { $0 == 0 }, "\(found) of \(topology)")
        }
    }

    /// The known exception: only the router knows how many tokens go where, so each layer makes two
    /// tables of tiles anew. In a build without optimization that is 15 allocations a member.
    @Test("Where tokens travel to experts, a layer makes its two tables, however many tokens")
    func perDispatchedLayer() throws {
        let topology = Topology(sequence: 2, tensor: 2, expertGroup: .dataSequenceTensor)
        #expect(try perLayer(topology, .tensor, experts: 8) == [0, 0, 0, 0])
        let few = try perLayer(topology, .sequence, experts: 8, tokens: 2)
        let many = try perLayer(topology, .sequence, experts: 8, tokens: 64)
        #expect(few == many)
        #expect(many.allSatisfy { $0 <= 16 * 4 }, "\(many)")
    }
}
