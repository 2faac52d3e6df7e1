import TernEngine
import TernModel
import TernPlanning
import TernTensor
import TernTesting
import Testing

/// Answers of many ranks against those of one: every logprob of the vocabulary comes with each
/// token, so that equal answers mean equal logits, bit for bit.
@Suite("The same bits under every topology", .serialized)
struct TopologyBitsTests {
    private static let vocabulary = 131

    /// Heads of a small model with uneven widths.
    struct Heads: Sendable, CustomStringConvertible {
        let queries: Int
        let keysValues: Int
        var experts = 0
        var perToken = 3
        var layers = 8
        var hidden = 36
        var expertWidth = 52
        var dimension = 6
        var description: String {
            "\(queries) query heads on \(keysValues), \(experts) experts"
        }

        /// A folder with the model's config.json.
        func folder() throws -> TemporaryFolder {
            let folder = try TemporaryFolder()
            let sizes =
                #""vocab_size": 131, "hidden_size": \#(hidden), "intermediate_size": 212"#
            let heads =
                #""num_attention_heads": \#(queries), "num_key_value_heads": \#(keysValues)"#
            let family = experts > 0 ? "Qwen3MoeForCausalLM" : "Qwen3ForCausalLM"
            let model = #""architectures": ["\#(family)"], "num_hidden_layers": \#(layers)"#
            let mixture =
                experts > 0
                ? #", "num_experts": \#(experts), "num_experts_per_tok": \#(perToken)"#
                    + #", "moe_intermediate_size": \#(expertWidth), "decoder_sparse_step": 2"# : ""
            try folder.write(
                "config.json",
                "{\(model), \(sizes), \(heads), \"head_dim\": \(dimension)\(mixture)}".utf8)
            return folder
        }
    }

    static func answers(
        _ heads: Heads, _ dtype: DType, _ topology: Topology, _ policy: ShiftPolicy,
        _ change: (inout EngineConfiguration) -> Void = { _ in }
    ) throws -> [[Answer]] {
        let folder = try heads.folder()
        let engine = try Engine.tiny(folder: folder.path) {
            $0.dtype = dtype
            $0.topology = topology
            $0.shift = .given(policy)
            change(&$0)
        }
        let requests = (0..<3).map { index in
            var parameters = engine.greedy(4 + 3 * index)
            parameters.logprobs = vocabulary
            return GenerationRequest(
                prompt: tokens(2 + 21 * index, salt: index), parameters: parameters)
        }
        let answers = try engine.answers(requests)
        try engine.stop()
        return answers
    }

    /// All (pp, sp, tp) of powers of two with 2 to 8 ranks.
    static let topologies: [Topology] = {
        let sizes = [1, 2, 4, 8]
        return sizes.flatMap { pipeline in
            sizes.flatMap { sequence in
                sizes.map { Topology(pipeline: pipeline, sequence: sequence, tensor: $0) }
            }
        }.filter { (2...8).contains($0.worldSize) }
    }()

    /// Both modes alone, and a threshold that prompts exceed and decodes do not.
    private static let policies: [ShiftPolicy] = [
        ShiftPolicy(.pinned(.sequence)), ShiftPolicy(.pinned(.tensor)), ShiftPolicy(.threshold(7)),
    ]

    @Test(
        "Every topology of up to 8 ranks gives the bits of one, in both modes and across switches",
        arguments: [
            (Heads(queries: 8, keysValues: 2), DType.bfloat16),
            (Heads(queries: 8, keysValues: 8), .float32),
            (Heads(queries: 16, keysValues: 4, experts: 6), .bfloat16),
        ])
    func everyTopology(heads: Heads, dtype: DType) throws {
        let expected = try Self.answers(heads, dtype, Topology(), Self.policies[1])
        #expect(Set(expected[2][0].tokens).count > 1, "an answer that varies tests more")
        for topology in Self.topologies {
            for policy in Self.policies {
                let isSame = try Self.answers(heads, dtype, topology, policy) == expected
                #expect(isSame, "\(topology) \(policy)")
            }
        }
    }

    @Test(
        "Quantized weights give the bits of one rank, though ranks cut through their groups",
        arguments: [
            WeightQuantization(layers: .int8, head: .int8),
            WeightQuantization(layers: .int4(group: 128), head: .int8),
        ])
    func quantized(quantization: WeightQuantization) throws {
        for heads in [
            Heads(queries: 8, keysValues: 2, layers: 3, dimension: 8),
            Heads(queries: 8, keysValues: 4, experts: 5, layers: 3, dimension: 8),
        ] {
            func answers(_ topology: Topology, _ policy: ShiftPolicy) throws -> [[Answer]] {
                try Self.answers(heads, .bfloat16, topology, policy) {
                    $0.quantization = quantization
                }
            }
            let expected = try answers(Topology(), Self.policies[1])
            #expect(Set(expected[2][0].tokens).count > 1, "an answer that varies tests more")
            let plain = try Self.answers(heads, .bfloat16, Topology(), Self.policies[1])
            #expect(expected != plain, "quantization changed nothing")
            for topology in Self.topologies
            where topology.pipelineParallelSize == 1 && topology.worldSize > 2 {
                for policy in Self.policies {
                    let isSame = try answers(topology, policy) == expected
                    #expect(isSame, "\(topology) \(policy)")
                }
            }
        }
    }

    @Test(
        "Divided experts give the bits of one rank, in both modes and across switches",
        arguments: ExpertGroup.allCases)
    func dividedExperts(group: ExpertGroup) throws {
        let heads = Heads(queries: 8, keysValues: 4, experts: 13, perToken: 5, layers: 4)
        let expected = try Self.answers(heads, .float32, Topology(), Self.policies[1])
        #expect(Set(expected[2][0].tokens).count > 1, "an answer that varies tests more")
        for sizes in Self.topologies where sizes.pipelineParallelSize == 1 {
            let topology = Topology(
                sequence: sizes.sequenceParallelSize, tensor: sizes.tensorParallelSize,
                expertGroup: group)
            for policy in Self.policies {
                let isSame = try Self.answers(heads, .float32, topology, policy) == expected
                #expect(isSame, "\(topology) \(policy)")
            }
        }
    }

    @Test("Fewer experts than ranks, in two stages and in small chunks, change no bit either")
    func fewExperts() throws {
        let heads = Heads(queries: 8, keysValues: 4, experts: 3, layers: 4)
        let expected = try Self.answers(heads, .float32, Topology(), Self.policies[1])
        let topology = Topology(
            pipeline: 2, sequence: 2, tensor: 2, expertGroup: .dataSequenceTensor)
        for policy in Self.policies {
            let found = try Self.answers(heads, .float32, topology, policy) {
                $0.maxBatchedTokens = 9
            }
            let isSame = found == expected
            #expect(isSame, "\(policy)")
        }
    }

    @Test(
        "Replicas that share experts give the bits of one rank, idle or not, in every mode",
        arguments: ExpertGroup.allCases)
    func sharingReplicas(group: ExpertGroup) throws {
        let heads = Heads(queries: 8, keysValues: 4, experts: 13, perToken: 5, layers: 4)
        let expected = try Self.answers(heads, .float32, Topology(), Self.policies[1])
        for data in [2, 4, 8] {
            for sizes in [Topology()] + Self.topologies where data * sizes.worldSize <= 8 {
                let topology = Topology(
                    data: data, pipeline: sizes.pipelineParallelSize,
                    sequence: sizes.sequenceParallelSize, tensor: sizes.tensorParallelSize,
                    expertGroup: group)
                for policy in Self.policies {
                    let isSame =
                        try Self.answers(heads, .float32, topology, policy) == expected
                    #expect(isSame, "\(topology) \(policy)")
                }
            }
        }
    }
}
