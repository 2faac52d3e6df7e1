import Glibc
import TernCPU
import TernJSON
import TernModel
import TernPlanning
import TernTensor
import TernTesting
import Testing

@Suite("Checkpoints that cannot be used")
struct CheckpointTests {
    private static let llama: JSON = [
        "architectures": ["LlamaForCausalLM"], "vocab_size": 8, "hidden_size": 4,
        "intermediate_size": 6, "num_hidden_layers": 1, "num_attention_heads": 2,
        "num_key_value_heads": 1, "max_position_embeddings": 32,
    ]

    private func changed(_ key: String, _ value: JSON?) -> JSON {
        guard var object = Self.llama.object else { return Self.llama }
        object[key] = value
        return .object(object)
    }

    @Test("A configuration that does not fit is refused with key, found and expected")
    func configurations() {
        let cases: [(String, JSON?, String)] = [
            ("architectures", ["FooForCausalLM"], "FooForCausalLM is not supported; supported are"),
            ("architectures", nil, "architectures is missing"),
            ("hidden_size", "4", #"hidden_size is "4", expected a positive integer"#),
            ("vocab_size", nil, "vocab_size is missing"),
            ("num_hidden_layers", 0, "num_hidden_layers is 0"),
            ("vocab_size", 2_147_483_648, "vocab_size is 2147483648, expected at most 16777216"),
            ("intermediate_size", 200_000, "expected at most 131072"),
            ("num_attention_heads", 64, "head_dim 0, expected an even number"),
            ("head_dim", 131_072, "expected an even number of at most 512"),
            ("max_position_embeddings", 1, "max_position_embeddings is 1, expected at least 2"),
            ("num_hidden_layers", 1e30, "num_hidden_layers is 1e+30"),
            ("num_key_value_heads", 3, "2 is not a multiple of num_key_value_heads 3"),
            ("hidden_act", "gelu", "hidden_act is gelu, supported for LlamaForCausalLM is silu"),
            ("rms_norm_eps", 1e-300, "rms_norm_eps is 1e-300, expected a positive number in"),
            ("rope_theta", 1e300, "rope_theta is 1e+300, expected a positive number in"),
            ("rms_norm_eps", -1, "rms_norm_eps is -1, expected a positive number"),
            ("rope_scaling", ["type": "ntk", "factor": 2], "rope_type is ntk, supported are"),
            ("rope_scaling", ["type": "linear"], "factor is missing"),
            ("head_dim", 3, "head_dim 3, expected an even number of at most 512"),
            ("dtype", "int8", "dtype is int8"),
            ("quantization_config", ["bits": 4], "quant_method is missing"),
        ]
        for (key, value, message) in cases {
            #expect("\(key)") {
                try ModelConfiguration(json: changed(key, value))
            } throws: { "\($0)".hasPrefix("config.json: ") && "\($0)".contains(message) }
        }
    }

    @Test("Old and new spellings of the rotary embedding mean the same")
    func ropeSpellings() throws {
        let scaling: [(String, JSON)] = [
            ("factor", 8.0), ("low_freq_factor", 1.0), ("high_freq_factor", 4.0),
            ("original_max_position_embeddings", 16),
        ]
        let members = scaling.map { (key: $0.0, value: $0.1) }
        var old = try #require(Self.llama.object)
        old["rope_theta"] = 500000.0
        old["rope_scaling"] = .object(JSONObject([("rope_type", "llama3")] + members))
        var new = try #require(Self.llama.object)
        new["rope_parameters"] = .object(
            JSONObject([("rope_type", "llama3"), ("rope_theta", 500000.0)] + members))
        let first = try ModelConfiguration(json: .object(old))
        #expect(try ModelConfiguration(json: .object(new)) == first)
        #expect(first.rope.theta == 500000)
    }

    @Test("Which projections have biases is the family's, or the file's to say")
    func biases() throws {
        func model(_ family: String) throws -> ModelConfiguration {
            var object = try #require(Self.llama.object)
            object["architectures"] = [.string(family)]
            object["attention_bias"] = true
            return try ModelConfiguration(json: .object(object))
        }
        let llama = try model("LlamaForCausalLM")
        #expect(llama.hasProjectionBias && llama.hasOutputBias && !llama.normalizesHeads)
        let qwen2 = try model("Qwen2ForCausalLM")
        #expect(qwen2.hasProjectionBias && !qwen2.hasOutputBias)
        let qwen3 = try model("Qwen3ForCausalLM")
        #expect(qwen3.hasProjectionBias && qwen3.hasOutputBias && qwen3.normalizesHeads)
    }

    /// The bytes of a safetensors file with a header and zeroed data.
    private func safetensors(_ header: JSON, dataBytes: Int) -> [UInt8] {
        let text = Array(header.text().utf8)
        let length = (0..<8).map { UInt8(truncatingIfNeeded: text.count >> ($0 * 8)) }
        return length + text + Array(repeating: 0, count: dataBytes)
    }

    @Test("A damaged safetensors file is refused, and nothing outside it is read")
    func damagedFiles() throws {
        let good: JSON = ["w": ["dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]]]
        func entry(_ shape: JSON, _ offsets: JSON) -> JSON {
            ["w": ["dtype": "F32", "shape": shape, "data_offsets": offsets]]
        }
        let huge: JSON = [4_611_686_018_427_387_904, 4]
        let cases: [([UInt8], String)] = [
            ([1, 2, 3], "has 3 bytes"),
            ([255, 255, 255, 255, 0, 0, 0, 0, 1], "truncated"),
            (safetensors(good, dataBytes: 23), "truncated"),
            (safetensors(entry([2, 3], [0, 20]), dataBytes: 24), "takes 24"),
            (safetensors(entry([2, 3], [-4, 20]), dataBytes: 24), "truncated"),
            (safetensors(entry([-2, 3], [0, 24]), dataBytes: 24), "malformed"),
            (safetensors(entry(huge, [0, 24]), dataBytes: 24), "overflows"),
            (safetensors([1], dataBytes: 0), "expected an object"),
            (Array("\u{5}\0\0\0\0\0\0\0{\"w\":".utf8), "header"),
        ]
        for (bytes, message) in cases {
            let folder = try TemporaryFolder()
            try folder.write("model.safetensors", bytes)
            #expect("\(message)") {
                try Checkpoint(folder: folder.path)
            } throws: {
                "\($0)".hasPrefix("model.safetensors: ") && "\($0)".contains(message)
            }
        }
    }

    @Test("Pickles and code beside the weights are never opened, whatever the configuration says")
    func noCode() throws {
        var config = try #require(Self.llama.object)
        config["auto_map"] = ["AutoModel": "modeling_x.Model", "AutoConfig": "configuration_x.C"]
        config["trust_remote_code"] = true
        #expect(throws: Never.self) { try ModelConfiguration(json: .object(config)) }
        config["architectures"] = ["Model"]
        #expect(throws: CheckpointError.self) { try ModelConfiguration(json: .object(config)) }
        let folder = try TemporaryFolder()
        for name in ["pytorch_model.bin", "consolidated.00.pth", "modeling_x.py", "model.pkl"] {
            // A pipe that nobody writes: whoever opened it to read would wait.
            #expect(mkfifo(folder.path + "/" + name, 0o600) == 0)
        }
        #expect("only safetensors are looked for") {
            try Checkpoint(folder: folder.path)
        } throws: { "\($0)".hasPrefix("model.safetensors: is missing") }
        try folder.write(
            "model.safetensors.index.json",
            Array(#"{"weight_map": {"w": "../pytorch_model.bin"}}"#.utf8))
        #expect("no file outside the folder is named") {
            try Checkpoint(folder: folder.path)
        } throws: { "\($0)".contains("expected the name of a file in the folder") }
    }

    @Test("What is no regular file is refused, not waited for", .timeLimit(.minutes(1)))
    func pipes() throws {
        let folder = try TemporaryFolder()
        for file in ["config.json", "model.safetensors"] {
            mkfifo(folder.path + "/" + file, 0o600)
        }
        #expect("configuration") {
            try ModelConfiguration(folder: folder.path)
        } throws: { "\($0)".hasPrefix("config.json: is not a regular file") }
        #expect(throws: CheckpointError.self) { try Checkpoint(folder: folder.path) }
    }

    private static func declare(_ loader: WeightLoader) throws {
        let model = try ModelConfiguration(json: llama)
        let layout = try RankLayout(0, in: Topology(), model)
        _ = try Llama(model, layout: layout, from: loader)
    }

    @Test("A tensor of a type that is not read is refused with its type")
    func otherTypes() throws {
        let folder = try TemporaryFolder()
        let name = "model.embed_tokens.weight"
        let entry: JSON = ["dtype": "I32", "shape": [8, 4], "data_offsets": [0, 128]]
        try folder.write(
            "model.safetensors",
            safetensors(.object(JSONObject([(name, entry)])), dataBytes: 128))
        let loader = WeightLoader(
            source: .checkpoint(try Checkpoint(folder: folder.path)), dtype: .float32)
        #expect(
            throws: CheckpointError(
                "model.safetensors", "tensor \(name) holds I32, expected F32, BF16 or F16")
        ) { try Self.declare(loader) }
    }

    @Test("A missing tensor and a wrong shape are named before anything is loaded")
    func tensors() throws {
        let folder = try TemporaryFolder()
        func load() throws {
            let loader = WeightLoader(
                source: .checkpoint(try Checkpoint(folder: folder.path)), dtype: .float32)
            try Self.declare(loader)
        }
        let name = "model.embed_tokens.weight"
        try folder.write("model.safetensors", safetensors([:], dataBytes: 0))
        #expect(throws: CheckpointError("model.safetensors", "tensor \(name) is missing")) {
            try load()
        }
        let wrong: JSON = .object(
            JSONObject([(name, ["dtype": "F32", "shape": [8, 3], "data_offsets": [0, 96]])]))
        try folder.write("model.safetensors", safetensors(wrong, dataBytes: 96))
        #expect(
            throws: CheckpointError(
                "model.safetensors", "tensor \(name) has shape [8, 3], config.json asks for [8, 4]")
        ) { try load() }
    }

    @Test("Dummy weights depend on the seed alone")
    func dummyWeights() throws {
        func logits(seed: UInt64) throws -> [Float] {
            let runner = try ModelRunner(
                folder: Fixture.families + "/llama", dtype: .bfloat16,
                backend: CPUBackend(pins: false), source: .dummy(seed: seed))
            return runner.logits([1, 2, 3], at: 0)
        }
        let first = try logits(seed: 1)
        #expect(try logits(seed: 1) == first)
        #expect(try logits(seed: 2) != first)
        #expect(Set(first).count > 100 && first.allSatisfy(\.isFinite))
    }
}
