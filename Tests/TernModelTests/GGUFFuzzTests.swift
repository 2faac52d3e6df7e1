import TernJSON
import TernTensor
import TernTesting
import Testing

@testable import TernModel

/// GGUF files that are truncated, hostile or not supported.
@Suite("GGUF files that cannot be used")
struct GGUFFuzzTests {
    private static let embedding = 512

    /// A small llama file with a tokenizer; `change` may alter what stands where.
    private func file(
        architecture: String = "llama", type: UInt32 = 0, shape: [Int] = [8, 16],
        offset: Int = 0, extra: [(String, GGUFBytes.Value)] = [], twin: String? = nil,
        data: Int = embedding
    ) -> [UInt8] {
        let values: [(String, GGUFBytes.Value)] =
            [
                ("general.architecture", .text(architecture)), ("llama.block_count", .uint32(1)),
                ("llama.context_length", .uint32(64)), ("llama.embedding_length", .uint32(16)),
                ("llama.feed_forward_length", .uint32(8)),
                ("llama.attention.head_count", .uint32(2)),
                ("llama.attention.layer_norm_rms_epsilon", .float32(1e-5)),
                ("tokenizer.ggml.model", .text("llama")),
                ("tokenizer.ggml.tokens", .texts(["<unk>", "a", "b", "ab", "\u{2581}", "é"])),
                ("tokenizer.ggml.scores", .floats([0, -1, -2, -3, -4, -5])),
                ("tokenizer.ggml.token_type", .int32s([2, 1, 1, 1, 1, 1])),
                ("tokenizer.ggml.unknown_token_id", .uint32(0)),
            ] + extra
        var bytes = GGUFBytes(tensors: twin == nil ? 2 : 3, values: values.count)
        for (key, value) in values { bytes.append(key, value) }
        bytes.append(tensor: "token_embd.weight", shape, type: type, offset: offset)
        bytes.append(tensor: "blk.0.attn_q.weight", [8, 32], type: 8, offset: 0)
        if let twin { bytes.append(tensor: twin, [8, 32], type: 8, offset: 0) }
        bytes.append(data: [UInt8](repeating: 60, count: data))
        return bytes.bytes
    }

    private func open(_ bytes: [UInt8]) throws -> GGUF {
        let storage = try Storage(zeroedBytes: bytes.count)
        bytes.withUnsafeBytes {
            storage.base.copyMemory(
                from: $0.baseAddress ?? UnsafeRawPointer(storage.base), byteCount: $0.count)
        }
        return try GGUF(storage, file: "m.gguf")
    }

    /// Reads all that an engine reads; 1 where nothing is wrong.
    private func readAll(_ bytes: [UInt8]) throws -> Int {
        let gguf: GGUF
        do {
            gguf = try open(bytes)
        } catch is CheckpointError {
            return 0
        }
        var wrong = 0
        let readings: [() throws -> Void] = [
            { _ = try ModelConfiguration(gguf) },
            { _ = try gguf.tokenizer() },
            { _ = try gguf.tokenizerConfiguration() },
            {
                for tensor in try gguf.namedTensors().values {
                    let width = tensor.shape[tensor.shape.count - 1]
                    let rows = tensor.shape.dropLast().reduce(1, *)
                    var values = [Float](repeating: 0, count: width)
                    tensor.expand(
                        rows: rows - 1..<rows, inputs: 0..<width, width: width, into: &values)
                }
            },
        ]
        for reading in readings {
            do { try reading() } catch is CheckpointError { wrong += 1 }
        }
        return wrong == 0 ? 1 : 0
    }

    @Test("The file that is mutated is read without a complaint")
    func whole() throws { #expect(try readAll(file()) == 1) }

    @Test("20,000 mutated files are read or refused")
    func mutated() throws {
        let seed = UInt64.random(in: 0 ... .max)
        print("GGUF fuzz seed \(seed)")
        var random = MutationRandom(state: seed)
        let whole = file()
        let head = whole.count - Self.embedding
        var readable = 0
        for _ in 0..<20_000 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let place = Int.random(in: 0..<head - 8, using: &random)
                switch Int.random(in: 0..<5, using: &random) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                case 2: bytes.replaceSubrange(place..<place + 8, with: repeatElement(255, count: 8))
                case 3: bytes.removeLast(Int.random(in: 0..<bytes.count - head, using: &random))
                default: bytes[place] = UInt8.random(in: 0...12, using: &random)
                }
            }
            readable += try readAll(bytes)
        }
        #expect(readable > 100 && readable < 20_000, "\(readable) of 20,000 are still readable")
    }

    @Test("Every truncation of a file is refused")
    func truncated() throws {
        let whole = file()
        for count in 0..<whole.count {
            #expect(throws: CheckpointError.self) { try open(Array(whole[..<count])) }
        }
    }

    @Test("What is not supported is refused with what was found and what is expected")
    func refused() throws {
        let cases: [([UInt8], String)] = [
            (Array("GGML".utf8) + file().dropFirst(4), "is no GGUF file"),
            (file(architecture: "rwkv"), "general.architecture rwkv is not supported"),
            (file(type: 10), "tensor token_embd.weight holds Q2_K, expected one of F32"),
            (file(type: 99), "tensor token_embd.weight holds type 99"),
            (file(type: 12), "rows of 16 elements do not divide into Q4_K blocks of 256"),
            (file(offset: 4, data: 1024), "begins at 4, expected a multiple of 32"),
            (file(offset: 32), "512 bytes from 32 on, of 512: truncated"),
            (file(shape: [1 << 40, 1 << 40]), "size overflows"),
            (file(extra: [("split.count", .uint32(3))]), "is one of 3 parts"),
            (file(extra: [("general.alignment", .uint32(24))]), "power of two"),
            (file(extra: [("llama.block_count", .uint32(3))]), "llama.block_count stands twice"),
            (file(twin: "blk.0.attn_q.weight"), "blk.0.attn_q.weight stands twice"),
            (
                file(twin: "blk.00.attn_q.weight"),
                "two tensors are the model's model.layers.0.self_attn.q_proj.weight"
            ),
            (
                file(extra: [("llama.rope.scaling.type", .text("mystery"))]),
                "rope_type is mystery"
            ),
            (
                file(extra: [("llama.attention.sliding_window", .uint32(8))]),
                "sliding windows are not supported"
            ),
            (
                file(extra: [("llama.attention.head_count_kv", .int32s([2, 1]))]),
                "head_count_kv is [2,1], expected a number of heads, the same in every layer"
            ),
        ]
        for (bytes, message) in cases {
            #expect("\(message)") {
                let gguf = try open(bytes)
                _ = try (ModelConfiguration(gguf), gguf.namedTensors())
            } throws: { error in
                "\(error)".hasPrefix("m.gguf: ") && "\(error)".contains(message)
            }
        }
    }

    @Test("Scores become merges, best first; pieces of no text take no part")
    func scores() throws {
        let small = try open(file()).tokenizer()["model"]?["merges"]
        #expect(small == [["a", "b"]])
        let golden = try Fixture.golden("gguf/pieces.json")
        let merges = try open(GGUFBytes.pieces(golden)).tokenizer()["model"]?["merges"]
        #expect(try #require(merges?.array).count > 50 && merges == golden["merges"])
    }
}

/// SplitMix64, so that a printed seed gives the same mutations again.
private struct MutationRandom: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
