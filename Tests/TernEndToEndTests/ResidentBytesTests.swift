// What a running server keeps in memory, as the kernel counts it, where weights are most of it. The
// ranks of one process share each weight, and both modes see the same one: neither more ranks nor
// the shift cost a copy. What the memory plan says of it is ReplicaTests' business.

import Glibc
import TernJSON
import TernTesting
import Testing

@Suite("Resident bytes", .serialized)
struct ResidentBytesTests {
    /// 8 key-value heads, so that up to 8 ranks hold each once.
    private static let model = """
        {"architectures": ["LlamaForCausalLM"], "vocab_size": 4096, "hidden_size": 512,
         "intermediate_size": 2048, "num_hidden_layers": 16, "num_attention_heads": 8,
         "num_key_value_heads": 8, "head_dim": 64, "tie_word_embeddings": true}
        """

    /// Two bytes for each parameter: the table of tokens, and each layer's attention and MLP.
    private static let weightBytes = 2 * (4096 * 512 + 16 * (4 * 512 * 512 + 3 * 512 * 2048))

    /// Of one token: keys and values of 8 heads of 64, in 16 layers, two bytes each.
    private static let cacheBytes = 16 * 2 * 8 * 64 * 2

    private static func folder() throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        try folder.write("config.json", model.utf8)
        for name in ["tokenizer.json", "tokenizer_config.json"] {
            try folder.write(name, Fixture.bytes(Fixture.telemachus + "/" + name))
        }
        return folder
    }

    /// A checkpoint of zeros of that shape: a file with a hole for its data.
    private static func writeCheckpoint(in folder: TemporaryFolder) throws {
        var shapes = [("model.embed_tokens.weight", [4096, 512]), ("model.norm.weight", [512])]
        for layer in 0..<16 {
            let name = "model.layers.\(layer)."
            shapes += ["q", "k", "v", "o"].map {
                (name + "self_attn.\($0)_proj.weight", [512, 512])
            }
            shapes += ["gate", "up"].map { (name + "mlp.\($0)_proj.weight", [2048, 512]) }
            shapes += [
                (name + "mlp.down_proj.weight", [512, 2048]),
                (name + "input_layernorm.weight", [512]),
                (name + "post_attention_layernorm.weight", [512]),
            ]
        }
        var header = JSONObject()
        var end = 0
        for (name, shape) in shapes {
            let start = end
            end += 2 * shape.reduce(1, *)
            header[name] = [
                "dtype": "BF16", "shape": .array(shape.map { .integer($0) }),
                "data_offsets": [.integer(start), .integer(end)],
            ]
        }
        let text = Array(JSON.object(header).text().utf8)
        let length = withUnsafeBytes(of: UInt64(text.count).littleEndian) { Array($0) }
        try folder.write("model.safetensors", length + text)
        #expect(truncate(folder.path + "/model.safetensors", 8 + text.count + end) == 0)
    }

    /// Resident bytes of a server that has computed a prompt in one step, and 3 decodes.
    private static func bytes(
        _ folder: TemporaryFolder, _ flags: [String], load: [String] = ["--load-format", "dummy"],
        prompt tokens: Int = 15, limit: Int = 64
    ) throws -> Int {
        let process = try TernProcess(
            [
                "serve", folder.path, "--port", "0", "--ranks-in-process", "--max-model-len",
                "\(limit)", "--max-num-seqs", "1", "--max-num-batched-tokens", "\(limit)",
                "--kv-cache-memory-bytes", "\(2 * limit * cacheBytes)", "--served-model-name",
                "tall",
            ] + load + flags)
        let line = try #require(process.line(containing: "serving at "))
        let port = try #require(line.split(separator: ":").last.flatMap { Int($0) })
        let prompt = JSON.array((1...tokens).map { .integer($0) })
        let answer = try HTTPClient(port: port).post(
            "/v1/completions",
            .object(
                JSONObject([
                    ("model", "tall"), ("prompt", prompt), ("max_tokens", 4), ("ignore_eos", true),
                ])))
        #expect(answer.json["usage"]?["completion_tokens"] == 4)
        let bytes = try process.residentBytes()
        let ofFile = try Processes.residentBytes(of: process.number, from: "model.safetensors")
        #expect(ofFile == (load.isEmpty ? 0 : nil), "a file that was loaded holds no memory")
        process.signal(SIGTERM)
        #expect(process.wait() == 0)
        return bytes
    }

    @Test("Neither 2, 4 or 8 sequence ranks nor the shift keep a copy of the weights")
    func copies() throws {
        let folder = try Self.folder()
        let one = try Self.bytes(folder, [])
        #expect(one > Self.weightBytes, "all weights are resident")
        for ranks in [2, 4, 8] {
            let sequence = try Self.bytes(
                folder, ["-sp", "\(ranks)", "--parallel-mode", "sequence"])
            let shift = try Self.bytes(
                folder, ["-sp", "\(ranks)", "--shift-parallel-threshold", "7"])
            // Buffers and threads of more ranks take some; the shift takes nothing.
            #expect(sequence - one < Self.weightBytes / 5, "\(ranks) ranks, sequence mode")
            #expect(shift - one < Self.weightBytes / 5, "\(ranks) ranks, shift")
            #expect(shift - sequence < Self.weightBytes / 20, "\(ranks) ranks, shift")
        }
    }

    @Test("A long step holds its hidden values, its keys and values, and little else")
    func step() throws {
        let folder = try Self.folder()
        let (short, long) = try (
            Self.bytes(folder, [], limit: 2048),
            Self.bytes(folder, [], prompt: 2000, limit: 2048)
        )
        let (hidden, cached) = (2000 * 512 * 4, 2000 * Self.cacheBytes)
        // What layers make of 128 rows at once takes 3 MB, packed inputs 1 MB; text takes the rest,
        // and huge pages that are not filled.
        #expect(long - short > hidden, "hidden values are resident")
        #expect(long - short < hidden + cached + 12 << 20, "found \(long - short)")
    }

    @Test("A checkpoint's pages are let go as they are packed, on one rank and on two")
    func files() throws {
        let folder = try Self.folder()
        let dummy = try Self.bytes(folder, [])
        try Self.writeCheckpoint(in: folder)
        for flags in [[], ["-sp", "2", "--shift-parallel-threshold", "7"]] {
            let loaded = try Self.bytes(folder, flags, load: [])
            #expect(loaded > Self.weightBytes, "all weights are resident")
            #expect(loaded - dummy < Self.weightBytes / 10, "\(flags)")
        }
    }
}
