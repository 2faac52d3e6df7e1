// A tiny Llama whose matrices are whole numbers with scales, written as every scheme has it, and as
// the real numbers that they stand for.

import TernJSON

/// How a checkpoint is written.
public enum WrittenScheme: CaseIterable, Sendable {
    /// Eight bits: real numbers, or compressed-tensors.
    case real8, compressedTensors
    /// Four bits: real numbers, AWQ, GPTQ of both versions, compressed-tensors with zero points.
    case real4, awq, gptq, gptqSecond, packed

    /// Whether numbers come in groups of 4 bits.
    public var isFourBits: Bool { ![.real8, .compressedTensors].contains(self) }
    /// Whether whole numbers are written, not the real ones that they stand for.
    public var isQuantized: Bool { ![.real8, .real4].contains(self) }

    /// What config.json says; no group means one for all inputs.
    func configuration(group: Int?) -> JSON? {
        let group = JSON.integer(group ?? -1)
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
        case .packed:
            [
                "quant_method": "compressed-tensors", "format": "pack-quantized",
                "ignore": ["lm_head"],
                "config_groups": [
                    "group_0": [
                        "weights": [
                            "num_bits": 4, "type": "int", "symmetric": false,
                            "strategy": group.integer == -1 ? "channel" : "group",
                            "group_size": group,
                        ],
                        "input_activations": nil,
                    ]
                ],
            ]
        case .awq:
            ["quant_method": "awq", "bits": 4, "group_size": group, "version": "gemm"]
        case .gptq: ["quant_method": "gptq", "bits": 4, "group_size": group, "sym": false]
        case .gptqSecond:
            [
                "quant_method": "gptq", "bits": 4, "group_size": group,
                "checkpoint_format": "gptq_v2",
            ]
        }
    }
}

/// Builds the files of one folder.
public struct QuantizedCheckpoint {
    private static let hidden = 64
    private static let inner = 160
    private static let vocabulary = 64
    private let scheme: WrittenScheme
    private let group: Int?
    private var safetensors = SafetensorsBytes()
    private var state: UInt64 = 7

    /// Writes config.json and model.safetensors. Without a group all inputs share a scale.
    public static func write(
        _ scheme: WrittenScheme, group: Int? = 32, to folder: TemporaryFolder
    ) throws {
        let files = files(scheme, group: group)
        try folder.write("config.json", files.configuration)
        try folder.write("model.safetensors", files.weights)
    }

    /// The bytes of config.json and model.safetensors.
    public static func files(
        _ scheme: WrittenScheme, group: Int? = 32
    ) -> (configuration: [UInt8], weights: [UInt8]) {
        var config = JSONObject([
            ("architectures", ["LlamaForCausalLM"]), ("vocab_size", .integer(vocabulary)),
            ("hidden_size", .integer(hidden)), ("intermediate_size", .integer(inner)),
            ("num_hidden_layers", 1), ("num_attention_heads", 4), ("num_key_value_heads", 2),
            ("max_position_embeddings", 64), ("dtype", "float32"),
        ])
        if let quantization = scheme.configuration(group: group) {
            config["quantization_config"] = quantization
        }
        var checkpoint = QuantizedCheckpoint(scheme: scheme, group: group)
        checkpoint.addModel()
        return (Array(JSON.object(config).text().utf8), checkpoint.safetensors.file)
    }

    private init(scheme: WrittenScheme, group: Int?) { (self.scheme, self.group) = (scheme, group) }

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
        let width = scheme.isFourBits ? group ?? inputs : inputs
        let groups = (inputs + width - 1) / width
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
        case .packed:
            addWords(name + ".weight_packed", [outputs, inputs / 8]) { row, word, place in
                numbers[row][word * 8 + place]
            }
            addWords(name + ".weight_zero_point", [outputs / 8, groups]) { word, group, place in
                zeros[word * 8 + place][group]
            }
            add(name + ".weight_scale", "F16", [outputs, groups]) { file in
                for scale in scales.joined() { file.append(half: Float16(scale).bitPattern) }
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
                for row in scales { file.append(half: Float16(row[group]).bitPattern) }
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
        safetensors.add(name, type, shape, write: write)
    }
}
