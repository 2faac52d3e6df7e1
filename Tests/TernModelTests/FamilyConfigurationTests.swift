import TernJSON
import TernModel
import TernTensor
import TernTesting
import Testing

@Suite("Configurations of families")
struct FamilyConfigurationTests {
    private func model(
        _ family: String, _ members: [(String, JSON)] = []
    ) throws -> ModelConfiguration {
        let common: [(key: String, value: JSON)] = [
            ("architectures", [.string(family)]), ("vocab_size", 8), ("hidden_size", 8),
            ("intermediate_size", 6), ("num_hidden_layers", 6), ("num_attention_heads", 2),
            ("num_key_value_heads", 1), ("max_position_embeddings", 32), ("head_dim", 4),
        ]
        return try ModelConfiguration(
            json: .object(
                JSONObject(common + members.map { (key: $0.0, value: $0.1) })))
    }

    @Test("Windows are where each family's pattern or layer_types has them")
    func windows() throws {
        func windows(_ family: String, _ members: [(String, JSON)] = []) throws -> [Int?] {
            try model(family, [("sliding_window", 5)] + members).windows
        }
        let (none, all): ([Int?], [Int?]) = ([nil, nil, nil, nil, nil, nil], [5, 5, 5, 5, 5, 5])
        #expect(try windows("LlamaForCausalLM") == none)
        #expect(try windows("MistralForCausalLM") == all)
        #expect(try windows("Phi3ForCausalLM") == all)
        #expect(try model("MistralForCausalLM").windows[0] == 4096)
        #expect(try model("MistralForCausalLM", [("sliding_window", .null)]).windows == none)
        #expect(try model("MixtralForCausalLM", Self.mixtral).windows == none)
        #expect(try windows("Gemma2ForCausalLM") == [5, nil, 5, nil, 5, nil])
        #expect(try windows("Gemma3ForCausalLM") == [5, 5, 5, 5, 5, nil])
        #expect(
            try windows("Gemma3ForCausalLM", [("sliding_window_pattern", 2)])
                == [5, nil, 5, nil, 5, nil])
        #expect(try windows("Qwen2ForCausalLM") == none)
        #expect(
            try windows(
                "Qwen3ForCausalLM", [("use_sliding_window", true), ("max_window_layers", 4)])
                == [nil, nil, nil, nil, 5, 5])
        let types: JSON = [
            "full_attention", "sliding_attention", "full_attention", "full_attention",
            "full_attention", "sliding_attention",
        ]
        #expect(
            try windows("Gemma2ForCausalLM", [("layer_types", types)])
                == [nil, 5, nil, nil, nil, 5])
        #expect("layers of a kind nobody knows") {
            try windows("Gemma2ForCausalLM", [("layer_types", ["full_attention"])])
        } throws: { "\($0)".contains("layer_types") }
    }

    private static let mixtral: [(String, JSON)] = [
        ("num_local_experts", 4), ("num_experts_per_tok", 2),
    ]

    @Test("Layers that predict further tokens are counted by their own key")
    func furtherTokens() throws {
        let members: [(String, JSON)] = [("num_nextn_predict_layers", 2)]
        #expect(try model("LlamaForCausalLM", members).layers == 6)
        for type in ["deepseek_mtp", "mimo_mtp"] {
            let found = try model("LlamaForCausalLM", members + [("model_type", .string(type))])
            #expect(found.layers == 2)
        }
    }

    @Test("Latent attention caches one row for all heads, whatever the file says of heads")
    func latent() throws {
        let found = try model(
            "DeepseekV3ForCausalLM",
            [("q_lora_rank", .null), ("kv_lora_rank", 12), ("qk_rope_head_dim", 4)]
                + [("n_routed_experts", 16), ("num_experts_per_tok", 4)]
                + [("moe_intermediate_size", 6)])
        let latent = try #require(found.latent)
        #expect(latent.queryRank == nil && latent.cachedWidth == 16)
        #expect(found.keyValueHeads == 1 && found.headDimension == 132)
        let experts = try #require(found.experts)
        #expect(experts.routing.groups?.count == 8 && experts.sharedWidth == 6)
        #expect((0..<6).map(experts.isSparse) == [false, false, false, true, true, true])
    }

    @Test("gpt-oss stretches its rope where the file says nothing of it")
    func scalingOfGptOss() throws {
        let members: [(String, JSON)] = [("num_local_experts", 4), ("head_dim", 64)]
        let spelled: JSON = [
            "rope_type": "yarn", "factor": 32, "beta_fast": 32, "beta_slow": 1, "truncate": false,
            "original_max_position_embeddings": 4096,
        ]
        let silent = try model("GptOssForCausalLM", members)
        let null = try model("GptOssForCausalLM", members + [("rope_scaling", .null)])
        let found = try model("GptOssForCausalLM", members + [("rope_scaling", spelled)])
        #expect(silent.rope == found.rope && null.rope == found.rope)
        #expect(silent.rope.theta == 150_000)
        let plain = try model(
            "GptOssForCausalLM", members + [("rope_parameters", ["rope_type": "default"])])
        #expect(plain.rope.scaling == .none)
    }

    @Test("Sequences may be as long as the scaling stretches the model's positions")
    func longestSequences() throws {
        func longest(_ rope: JSON) throws -> Int {
            try model("LlamaForCausalLM", [("rope_scaling", rope)]).mostPositions
        }
        #expect(try longest(.null) == 32)
        #expect(try longest(["rope_type": "linear", "factor": 2.5]) == 80)
        #expect(try longest(["rope_type": "dynamic", "factor": 2]) == 64)
        for (original, most) in [(24, 96), (4, 32)] {
            let rope: JSON = [
                "type": "yarn", "factor": 4,
                "original_max_position_embeddings": .integer(original),
            ]
            #expect(try longest(rope) == most)
        }
        let llama3: JSON = [
            "rope_type": "llama3", "factor": 8, "low_freq_factor": 1, "high_freq_factor": 4,
            "original_max_position_embeddings": 16,
        ]
        #expect(try longest(llama3) == 32)
        let gemma = try model(
            "Gemma3ForCausalLM", [("rope_scaling", ["rope_type": "linear", "factor": 8])])
        #expect(gemma.mostPositions == 32)
    }

    @Test("A scaling that says too little is refused")
    func scalings() throws {
        let cases: [(JSON, String)] = [
            (["rope_type": "dynamic"], "factor is missing"),
            (["rope_type": "longrope", "long_factor": [1, 2]], "short_factor is missing"),
            (
                ["rope_type": "longrope", "long_factor": [1, 2], "short_factor": [1]],
                "short_factor has 1 numbers, expected 2"
            ),
            (["rope_type": "default", "partial_rotary_factor": 0.3], "partial_rotary_factor 0.3"),
            (["rope_type": "default", "partial_rotary_factor": 1e30], "dimensions gives"),
        ]
        for (rope, message) in cases {
            #expect("\(message)") {
                try model("Phi3ForCausalLM", [("rope_scaling", rope)])
            } throws: { "\($0)".contains(message) }
        }
    }

    @Test("The README's table of families is the code's own list")
    func readme() throws {
        let text = String(decoding: try Fixture.bytes(Fixture.root + "/README.md"), as: UTF8.self)
        let rows = Architecture.allCases.map { "| `\($0.rawValue)` | \($0.traits) |" }
        let found = text.split(separator: "\n").filter { $0.contains("ForCausalLM` |") }
        #expect(found.map(String.init) == rows)
    }

    @Test("Windows, latent rows and shared experts cost what is counted by hand")
    func costs() throws {
        let window = 5
        let mistral = try model("MistralForCausalLM", [("sliding_window", .integer(window))])
        let cost = ModelCost(mistral, dtype: .float32)
        // A decode reads 5 tokens of 2 x 4 elements in each of 6 layers, however long the context.
        let layer = 2 * 8 * (2 + 1) * 4 + 3 * 8 * 6
        let bytes = 4 * Double(6 * layer + 8 * 8 + 6 * window * 2 * 4)
        #expect(cost.decodeBytes(sequences: 1, context: 7) == bytes)
        #expect(cost.decodeBytes(sequences: 1, context: 9) == bytes)
        // 7 tokens see 1 + 2 + 3 + 4 + 5 + 5 + 5 = 25 positions.
        let attention = Double(6 * 2 * 2 * (4 + 4) * 25)
        let last = 8 * 2 * 4 + 3 * 8 * 6
        #expect(
            cost.prefillOperations(tokens: 7)
                == Double(2 * 6 * layer * 7 - 2 * last * 6 + 2 * 8 * 8) + attention)

        let deepseek = try model(
            "DeepseekV2ForCausalLM",
            [("q_lora_rank", .null), ("kv_lora_rank", 12), ("qk_rope_head_dim", 4)]
                + [("qk_nope_head_dim", 6), ("v_head_dim", 2), ("moe_intermediate_size", 3)]
                + [("n_routed_experts", 4), ("num_experts_per_tok", 4), ("n_shared_experts", 2)])
        // Queries 8 x 2 x 10, the row 8 x 16, up 12 x 2 x (6 + 2), output 2 x 2 x 8; router 8 x 4,
        // four experts of 3 x 8 x 3, and one MLP of width 6.
        let latent = 160 + 128 + 192 + 32 + 32 + 4 * 72 + 3 * 8 * 6
        #expect(
            ModelCost(deepseek, dtype: .float32).decodeBytes(sequences: 1, context: 7)
                == 4 * Double(6 * latent + 8 * 8 + 6 * 7 * (16 + 12)))
    }

    @Test("Widths beyond what products take are refused before anything of that size is made")
    func widths() throws {
        let latent: [(String, JSON)] = [
            ("kv_lora_rank", 12), ("qk_rope_head_dim", 4), ("qk_nope_head_dim", 4),
            ("n_routed_experts", 16), ("num_experts_per_tok", 4), ("moe_intermediate_size", 6),
        ]
        let cases: [(String, JSON, String)] = [
            ("n_shared_experts", 2_000_000_000, "n_shared_experts 2000000000"),
            ("num_attention_heads", 2048, "num_attention_heads 2048 of 128 dimensions"),
            ("v_head_dim", 7, "v_head_dim is 7, expected an even number"),
        ]
        for (key, value, message) in cases {
            #expect("\(message)") {
                try model("DeepseekV3ForCausalLM", latent + [(key, value)])
            } throws: { "\($0)".contains(message) }
        }
    }

    @Test("DeepSeek's routers differ: V3 divides by the sum and scales by 2.5, V2 does neither")
    func deepseekRouting() throws {
        func routing(_ family: String) throws -> ExpertConfiguration.Routing {
            let found = try model(
                family,
                [("n_routed_experts", 16), ("num_experts_per_tok", 4)]
                    + [("moe_intermediate_size", 6), ("kv_lora_rank", 12)]
                    + [("norm_topk_prob", true)])
            return try #require(found.experts).routing
        }
        let (second, third) = (
            try routing("DeepseekV2ForCausalLM"), try routing("DeepseekV3ForCausalLM")
        )
        #expect(!second.renormalizes && second.factor == 1 && second.scoring == .softmax)
        #expect(third.renormalizes && third.factor == 2.5 && third.scoring == .sigmoid)
        #expect(third.isCorrected && !second.isCorrected && second.groups == nil)
    }
}
