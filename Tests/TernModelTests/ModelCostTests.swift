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
        #expect(
            cost.prefillOperations(tokens: 5) == Double(2 * 2 * layer * 5 + attention + 2 * head))
    }
}
