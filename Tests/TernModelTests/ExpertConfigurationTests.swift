import TernJSON
import TernModel
import TernPlanning
import TernTensor
import TernTesting
import Testing

@Suite("Configurations of mixtures of experts")
struct ExpertConfigurationTests {
    private static let qwen: JSON = [
        "architectures": ["Qwen3MoeForCausalLM"], "vocab_size": 8, "hidden_size": 4,
        "intermediate_size": 6, "num_hidden_layers": 6, "num_attention_heads": 2,
        "num_key_value_heads": 1, "max_position_embeddings": 32, "num_experts": 5,
        "num_experts_per_tok": 2, "moe_intermediate_size": 3,
    ]

    private static let mixtral: JSON = [
        "architectures": ["MixtralForCausalLM"], "vocab_size": 8, "hidden_size": 4,
        "intermediate_size": 6, "num_hidden_layers": 2, "num_attention_heads": 2,
        "num_key_value_heads": 1, "max_position_embeddings": 32, "num_local_experts": 4,
        "num_experts_per_tok": 2,
    ]

    private func model(
        _ family: JSON, _ changes: [(String, JSON?)] = []
    ) throws -> ModelConfiguration {
        var object = try #require(family.object)
        for (key, value) in changes { object[key] = value }
        return try ModelConfiguration(json: .object(object))
    }

    @Test("Both families and both names of the number of experts are read")
    func families() throws {
        let qwen = try #require(try model(Self.qwen).experts)
        #expect(qwen.count == 5 && qwen.perToken == 2 && qwen.innerWidth == 3)
        #expect(!qwen.routing.renormalizes)
        let newer = try model(
            Self.qwen,
            [("num_experts", nil), ("num_local_experts", 5), ("norm_topk_prob", true)])
        #expect(newer.experts?.count == 5 && newer.experts?.routing.renormalizes == true)
        #expect(newer.normalizesHeads)
        let mixtral = try model(Self.mixtral, [("attention_bias", true)])
        let experts = try #require(mixtral.experts)
        #expect(experts.count == 4 && experts.innerWidth == 6 && experts.routing.renormalizes)
        #expect(!mixtral.hasDenseLayers && !mixtral.hasProjectionBias && !mixtral.normalizesHeads)
        #expect(mixtral.normEpsilon == 1e-5 && mixtral.rope.theta == 1_000_000)
    }

    @Test("Which layers have experts is the step's and the list's to say")
    func sparseLayers() throws {
        func sparse(_ changes: [(String, JSON?)]) throws -> [Int] {
            let experts = try #require(try model(Self.qwen, changes).experts)
            return (0..<6).filter(experts.isSparse)
        }
        #expect(try sparse([]) == [0, 1, 2, 3, 4, 5])
        #expect(try sparse([("decoder_sparse_step", 2)]) == [1, 3, 5])
        #expect(
            try sparse([("decoder_sparse_step", 2), ("mlp_only_layers", [3, 4])]) == [1, 5])
        #expect(try model(Self.qwen, [("num_experts", 0)]).experts == nil)
        #expect(try model(Self.qwen, [("decoder_sparse_step", 2)]).hasDenseLayers)
    }

    @Test("What does not fit is refused with key, found and expected")
    func refusals() throws {
        let cases: [(JSON, String, JSON?, String)] = [
            (Self.qwen, "num_experts", nil, "num_experts is missing"),
            (Self.qwen, "num_experts", 4096, "num_experts is 4096, expected at most 1024"),
            (Self.qwen, "num_experts_per_tok", 6, "is 6, expected at most num_experts 5"),
            (Self.qwen, "moe_intermediate_size", nil, "moe_intermediate_size is missing"),
            (Self.qwen, "mlp_only_layers", "all", "mlp_only_layers is \"all\""),
            (Self.qwen, "decoder_sparse_step", 0, "decoder_sparse_step is 0"),
            (Self.mixtral, "num_experts_per_tok", nil, "num_experts_per_tok is missing"),
            (Self.mixtral, "sliding_window", 0, "sliding_window is 0"),
        ]
        for (family, key, value, message) in cases {
            #expect("\(key)") {
                try model(family, [(key, value)])
            } throws: { "\($0)".hasPrefix("config.json: ") && "\($0)".contains(message) }
        }
        #expect(try model(Self.mixtral, [("sliding_window", 32)]).experts?.count == 4)
    }

    @Test("All experts are counted, and a missing one is named")
    func loading() throws {
        let loader = WeightLoader(
            source: .dummy(seed: 1), dtype: .bfloat16)
        let mixtral = try model(Self.mixtral)
        _ = try Llama(mixtral, layout: RankLayout(0, in: Topology(), mixtral), from: loader)
        // Attention 2 x 16 + 2 x 8, router 4 x 4, four experts of 3 x 24, two norms; both ends.
        #expect(loader.parameters == 2 * (48 + 16 + 4 * 72 + 8) + 2 * 32 + 4)
        let folder = Fixture.families + "/mixtral"
        var object = try #require(JSON(parsing: Fixture.bytes(folder + "/config.json")).object)
        object["num_local_experts"] = 5
        let files = WeightLoader(
            source: .checkpoint(try Checkpoint(folder: folder)), dtype: .bfloat16)
        let larger = try ModelConfiguration(json: .object(object))
        #expect(
            throws: CheckpointError(
                "model.safetensors",
                "tensor model.layers.0.block_sparse_moe.gate.weight has shape [4, 60], "
                    + "config.json asks for [5, 60]")
        ) { try Llama(larger, layout: RankLayout(0, in: Topology(), larger), from: files) }
    }
}
