// A tiny Llama whose matrices are whole numbers with scales, written as every scheme has it, and as
// the real numbers that they stand for.

import TernJSON
import TernTensor
import TernTesting

/// How a checkpoint is written.
enum WrittenScheme: CaseIterable {
    /// Eight bits: real numbers, or compressed-tensors.
    case real8, compressedTensors
    /// Four bits: real numbers, AWQ, GPTQ of both versions.
    case real4, awq, gptq, gptqSecond

    var isFourBits: Bool { ![.real8, .compressedTensors].contains(self) }

    /// What config.json says.
    var configuration: JSON? {
        let weights: JSON = [
            "num_bits": 8, "type": "int", "symmetric": true, "strategy": "channel",
        ]
        let inputs: JSON = [
            "num_bits": 8, "type": "int", "symmetric": true, "strategy": "token", "dynamic": true,
        ]
        return switch self {
        case .real8, .real4: nil
        case .compressedTensors:
            [
                "quant_method": "compressed-tensors", "format": "int-quantized",
                "ignore": ["lm_head"],
                "config_groups": [
                    "group_0": ["weights": weights, "input_activations": inputs]
                ],
            ]
        case .awq:
            ["quant_method": "awq", "bits": 4, "group_size": 32, "version": "gemm"]
        case .gptq: ["quant_method": "gptq", "bits": 4, "group_size": 32, "sym": false]
        case .gptqSecond:
            [
                "quant_method": "gptq", "bits": 4, "group_size": 32,
                "checkpoint_format": "gptq_v2",
            ]
        }
    }
}

/// Builds the files of one folder.
struct QuantizedCheckpoint {
    private static let hidden = 64
    private static let inner = 160
    private static let vocabulary = 64
    private static let group = 32
    private let scheme: WrittenScheme
    private var entries: [(String, JSON)] = []
    private var content: [UInt8] = []
    private var state: UInt64 = 7

    /// Writes config.json and model.safetensors.
    static func write(_ scheme: WrittenScheme, to folder: TemporaryFolder) throws {
        var config = JSONObject([
            ("architectures", ["LlamaForCausalLM"]), ("vocab_size", .integer(vocabulary)),
            ("hidden_size", .integer(hidden)), ("intermediate_size", .integer(inner)),
            ("num_hidden_layers", 1), ("num_attention_heads", 4), ("num_key_value_heads", 2),
            ("max_position_embeddings", 64), ("dtype", "float32"),
        ])
        if let quantization = scheme.configuration { config["quantization_config"] = quantization }
        try folder.write("config.json", Array(JSON.object(config).text().utf8))
        var file = QuantizedCheckpoint(scheme: scheme)
        file.addModel()
        let header = Array(JSON.object(JSONObject(file.entries)).text().utf8)
        let length = (0..<8).map { UInt8(truncatingIfNeeded: header.count >> ($0 * 8)) }
        try folder.write("model.safetensors", length + header + file.content)
    }

    private init(scheme: WrittenScheme) { self.scheme = scheme }

    private mutating func addModel() {
        let layer = "model.layers.0."
        let (hidden, inner) = (Self.hidden, Self.inner)
        addReal("model.embed_tokens.weight", [Self.vocabulary, hidden]) { $0.uniform() }
        addReal("lm_head.weight", [Self.vocabulary, hidden]) { $0.uniform() }
        for name in ["model.norm", layer + "input_layernorm", layer + "post_attention_layernorm"] {
            addReal(name + ".weight", [hidden]) { _ in 1 }
        }
        let matrices = [
            ("self_attn.q_proj", hidden, hidden), ("self_attn.k_proj", hidden / 2, hidden),
            ("self_attn.v_proj", hidden / 2, hidden), ("self_attn.o_proj", hidden, hidden),
            ("mlp.gate_proj", inner, hidden), ("mlp.up_proj", inner, hidden),
            ("mlp.down_proj", hidden, inner),
        ]
        for (name, outputs, inputs) in matrices {
            addMatrix(layer + name, outputs: outputs, inputs: inputs)
        }
    }

    /// The next of a fixed row of numbers.
    private mutating func number(below bound: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(state >> 33) % bound
    }

    private mutating func uniform() -> Float { Float(number(below: 2001) - 1000) / 1000 }

    private mutating func addMatrix(_ name: String, outputs: Int, inputs: Int) {
        let groups = scheme.isFourBits ? inputs / Self.group : 1
        let width = inputs / groups
        let most = scheme.isFourBits ? 16 : 255
        var numbers: [[Int]] = []
        var scales: [[Float]] = []
        var zeros: [[Int]] = []
        for _ in 0..<outputs {
            numbers.append((0..<inputs).map { _ in number(below: most) })
            // Halves, for that is what 4-bit schemes have.
            scales.append(
                (0..<groups).map { _ in Float(Float16(Float(1 + number(below: 9)) / 256)) })
            zeros.append(
                (0..<groups).map { _ in scheme.isFourBits ? 1 + number(below: 15) : 127 })
        }
        switch scheme {
        case .real8, .real4:
            add(name + ".weight", "F32", [outputs, inputs]) { file in
                for row in 0..<outputs {
                    for input in 0..<inputs {
                        let value = numbers[row][input] - zeros[row][input / width]
                        file.append(Float(value) * scales[row][input / width])
                    }
                }
            }
        case .compressedTensors:
            add(name + ".weight", "I8", [outputs, inputs]) { file in
                for row in numbers {
                    file += row.map { UInt8(bitPattern: Int8($0 - 127)) }
                }
            }
            add(name + ".weight_scale", "F32", [outputs, 1]) { file in
                for row in scales { file.append(row[0]) }
            }
        case .awq:
            // AutoAWQ's order: the place i of a word holds output order[i].
            let order = [0, 2, 4, 6, 1, 3, 5, 7]
            addWords(name + ".qweight", [inputs, outputs / 8]) { input, word, place in
                numbers[word * 8 + order[place]][input]
            }
            addWords(name + ".qzeros", [groups, outputs / 8]) { group, word, place in
                zeros[word * 8 + order[place]][group]
            }
            addScales(name, scales)
        case .gptq, .gptqSecond:
            addWords(name + ".qweight", [inputs / 8, outputs]) { word, row, place in
                numbers[row][word * 8 + place]
            }
            let lacking = scheme == .gptq ? 1 : 0
            addWords(name + ".qzeros", [groups, outputs / 8]) { group, word, place in
                zeros[word * 8 + place][group] - lacking
            }
            addScales(name, scales)
            add(name + ".g_idx", "I32", [inputs]) { file in
                for input in 0..<inputs { file.append(word: UInt32(input / width)) }
            }
        }
    }

    private mutating func addScales(_ name: String, _ scales: [[Float]]) {
        add(name + ".scales", "F16", [scales[0].count, scales.count]) { file in
            for group in scales[0].indices {
                for row in scales {
                    let bits = Float16(row[group]).bitPattern
                    file += [UInt8(truncatingIfNeeded: bits), UInt8(bits >> 8)]
                }
            }
        }
    }

    /// Words of eight values each.
    private mutating func addWords(
        _ name: String, _ shape: [Int], value: (Int, Int, Int) -> Int
    ) {
        add(name, "I32", shape) { file in
            for row in 0..<shape[0] {
                for column in 0..<shape[1] {
                    file.append(
                        word: (0..<8).reduce(UInt32(0)) { word, place in
                            word | UInt32(value(row, column, place)) << (4 * UInt32(place))
                        })
                }
            }
        }
    }

    private mutating func addReal(
        _ name: String, _ shape: [Int], value: (inout QuantizedCheckpoint) -> Float
    ) {
        let numbers = (0..<shape.reduce(1, *)).map { _ in value(&self) }
        add(name, "F32", shape) { file in for number in numbers { file.append(number) } }
    }

    private mutating func add(
        _ name: String, _ type: String, _ shape: [Int], write: (inout [UInt8]) -> Void
    ) {
        let start = content.count
        write(&content)
        entries.append(
            (
                name,
                [
                    "dtype": .string(type), "shape": .array(shape.map { .integer($0) }),
                    "data_offsets": [.integer(start), .integer(content.count)],
                ]
            ))
    }
}

extension [UInt8] {
    fileprivate mutating func append(word: UInt32) {
        self += (0..<4).map { UInt8(truncatingIfNeeded: word >> ($0 * 8)) }
    }

    fileprivate mutating func append(_ number: Float) { append(word: number.bitPattern) }
}
