import TernJSON
import TernModel
import TernTensor
import Testing

@Suite("Model cost")
struct ModelCostTests {
    @Test("Operations and bytes are those counted by hand on a small shape")
    func countedByHand() throws {
        let model = try ModelConfiguration(json: [
            "architectures": ["LlamaForCausalLM"], "vocab_size": 10, "hidden_size": 4,
            "intermediate_size": 3, "num_hidden_layers": 2, "num_attention_heads": 2,
            "num_key_value_heads": 1, "head_dim": 6,
        ])
        // A layer: queries and output 4 x 12 each, keys and values 4 x 6 each, MLP 3 x (4 x 3).
        let layer = 2 * 48 + 2 * 24 + 36
        let head = 10 * 4
        let cost = ModelCost(model, dtype: .bfloat16)
        let cached = 2 * 2 * 6 * 7
        #expect(
            cost.decodeBytes(sequences: 3, context: 7)
                == Double(2 * (2 * layer + head + 3 * cached)))
        // Five tokens see 1 + 2 + 3 + 4 + 5 = 15 pairs; each takes 4 operations per dimension.
        let attention = 4 * 2 * 2 * 6 * 15
        // Behind the second layer's attention, only tokens with logits: output and MLP.
        let last = 48 + 36
        let products = 2 * 2 * layer * 5
        #expect(
            cost.prefillOperations(tokens: 5)
                == Double(products - 2 * last * 4 + attention + 2 * head))
        #expect(
            cost.prefillOperations(tokens: 5, sampled: 3)
                == Double(products - 2 * last * 2 + attention + 3 * 2 * head))
        #expect(
            cost.operations(promptTokens: 3, outputTokens: 3)
                == cost.prefillOperations(tokens: 5, sampled: 3))
    }

    @Test("Of experts only those that are chosen count, and those that several choose count once")
    func experts() throws {
        let model = try ModelConfiguration(json: [
            "architectures": ["Qwen3MoeForCausalLM"], "vocab_size": 10, "hidden_size": 4,
            "intermediate_size": 3, "num_hidden_layers": 4, "num_attention_heads": 2,
            "num_key_value_heads": 1, "head_dim": 6, "num_experts": 8, "num_experts_per_tok": 2,
            "moe_intermediate_size": 5, "decoder_sparse_step": 2,
        ])
        // Two layers have an MLP of 3 x (4 x 3), two a router of 4 x 8 and experts of 3 x (4 x 5).
        let others = 4 * (2 * 48 + 2 * 24) + 2 * 36 + 2 * 32 + 10 * 4
        let cost = ModelCost(model, dtype: .bfloat16)
        let cached = 2 * 4 * 6 * 7
        #expect(
            cost.decodeBytes(sequences: 1, context: 7)
                == Double(2 * (others + 2 * 2 * 60 + cached)))
        // Each of two tokens misses an expert with 3 / 4: of eight, 8 x (1 - 9 / 16) are chosen.
        #expect(
            cost.decodeBytes(sequences: 2, context: 7)
                == 2 * (Double(others + 2 * cached) + 2 * 3.5 * 60))
        let attention = 4 * 4 * 2 * 6 * 15
        #expect(
            cost.prefillOperations(tokens: 5)
                == Double(
                    2 * (others - 40 + 2 * 2 * 60) * 5 - 2 * (48 + 32 + 2 * 60) * 4 + attention
                        + 2 * 40))
    }
}
