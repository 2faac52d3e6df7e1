import Glibc
import TernCPU
import TernJSON
import TernModel
import TernPlanning
import TernTensor
import TernTesting
import Testing

@Suite("Quantized models")
struct QuantizedModelTests {
    private func logits(_ scheme: WrittenScheme) throws -> [Float] {
        let folder = try TemporaryFolder()
        try QuantizedCheckpoint.write(scheme, to: folder)
        let runner = try ModelRunner(
            folder: folder.path, dtype: .float32, backend: CPUBackend(pins: false), positions: 64)
        return runner.logits([5, 17, 40, 3, 63, 0, 22], at: 0)
    }

    /// The root of the mean square difference, as a share of the deviation of the expected.
    private func difference(_ found: [Float], _ expected: [Float]) -> Float {
        let squares = zip(found, expected).map { ($0 - $1) * ($0 - $1) }.reduce(0, +)
        return (squares / expected.map { $0 * $0 }.reduce(0, +)).squareRoot()
    }

    @Test(
        "A checkpoint of compressed-tensors W8A8 computes what its real numbers do, but for rounding"
    )
    func compressedTensors() throws {
        let share = difference(try logits(.compressedTensors), try logits(.real8))
        #expect(share > 0 && share < 0.03, "\(share)")
    }

    @Test("AWQ, both versions of GPTQ and W4A16 compute the same bits of the same whole numbers")
    func fourBits() throws {
        let awq = try logits(.awq)
        let share = difference(awq, try logits(.real4))
        #expect(share > 0 && share < 0.03, "\(share)")
        #expect(try logits(.gptq) == awq)
        #expect(try logits(.gptqSecond) == awq)
        #expect(try logits(.packed) == awq)
    }

    @Test("A model quantized at load stays near its real numbers: 8 bits nearer than 4")
    func atLoad() throws {
        let folder = try TemporaryFolder()
        try QuantizedCheckpoint.write(.real8, to: folder)
        func logits(_ quantization: WeightQuantization) throws -> [Float] {
            let runner = try ModelRunner(
                folder: folder.path, dtype: .float32, backend: CPUBackend(pins: false),
                positions: 64, quantization: quantization)
            return runner.logits([5, 17, 40, 3, 63, 0, 22], at: 0)
        }
        let real = try logits(WeightQuantization())
        let eight = difference(try logits(WeightQuantization(layers: .int8, head: .int8)), real)
        let four = difference(try logits(WeightQuantization(layers: .int4(group: 32))), real)
        #expect(eight > 0 && eight < 0.03, "\(eight)")
        #expect(four > eight && four < 0.2, "\(four)")
    }

    /// W4A16 with its weights changed, and another group of it; `inside` goes into both groups,
    /// `beside` into the whole.
    private func packed(
        _ change: JSON, inside: JSON = [:], and other: JSON = [:], beside: JSON = [:]
    ) -> JSON {
        func with(_ changes: JSON, _ object: JSONObject) -> JSON {
            var object = object
            for (key, value) in changes.object?.members ?? [] { object[key] = value }
            return .object(object)
        }
        let groups = [change, other].enumerated().map { index, change in
            let weights = with(
                change, JSONObject([("num_bits", 4), ("type", "int"), ("strategy", "group")]))
            return ("group_\(index)", with(inside, JSONObject([("weights", weights)])))
        }
        return with(
            beside,
            JSONObject([
                ("quant_method", "compressed-tensors"), ("format", "pack-quantized"),
                ("config_groups", .object(JSONObject(groups))),
            ]))
    }

    @Test("Quantization that is not read is refused with what is expected")
    func refusals() throws {
        let cases: [(JSON, String)] = [
            (["quant_method": "fp8"], "quant_method is fp8, expected compressed-tensors, awq"),
            (["bits": 4], "quant_method is missing, expected"),
            (
                ["quant_method": "compressed-tensors", "format": "float-quantized"],
                "format is float-quantized, expected int-quantized or pack-quantized"
            ),
            (["quant_method": "compressed-tensors"], "format is missing, expected int-quantized"),
            (
                ["quant_method": "compressed-tensors", "format": "int-quantized"],
                "config_groups is missing"
            ),
            (
                ["quant_method": "gptq", "bits": 4, "checkpoint_format": "marlin"],
                "checkpoint_format is marlin, expected gptq or gptq_v2"
            ),
            (["quant_method": "awq", "bits": 8], "bits is 8, expected 4"),
            (packed(["num_bits": 8]), "weights: num_bits is 8, expected 4"),
            (packed(["type": "float"]), "weights: type is float, expected int"),
            (packed(["strategy": "tensor"]), "strategy is tensor, expected group or channel"),
            (packed(["group_size": 12]), "group_size is 12, expected a multiple of 8"),
            (
                packed([:], inside: ["input_activations": ["num_bits": 8]]),
                "input_activations is given, expected none"
            ),
            (
                packed([:], inside: ["output_activations": ["num_bits": 8]]),
                "group_0: output_activations is given, expected none"
            ),
            (
                packed([:], inside: ["format": "int-quantized"]),
                "group_0: format is int-quantized, expected pack-quantized as of the whole"
            ),
            (
                packed([:], beside: ["transform_config": ["config_groups": ["R1": [:]]]]),
                "transform_config is given, expected none"
            ),
            (
                packed([:], beside: ["sparsity_config": ["format": "sparse-24-bitmask"]]),
                "sparsity_config is given, expected none"
            ),
            (packed([:], and: ["strategy": "channel"]), "group_1: weights are quantized otherwise"),
            (["quant_method": "awq", "bits": 4, "version": "gemv"], "version is gemv"),
            (["quant_method": "gptq", "bits": 4, "group_size": 12], "group_size is 12"),
            (
                [
                    "quant_method": "compressed-tensors", "format": "int-quantized",
                    "config_groups": [
                        "group_0": [
                            "weights": ["num_bits": 8, "type": "int", "strategy": "channel"]
                        ]
                    ],
                ], "input_activations is missing"
            ),
        ]
        for (quantization, message) in cases {
            let config: JSON = [
                "architectures": ["LlamaForCausalLM"], "vocab_size": 64, "hidden_size": 64,
                "intermediate_size": 160, "num_hidden_layers": 1, "num_attention_heads": 4,
                "max_position_embeddings": 64, "quantization_config": quantization,
            ]
            #expect("\(message)") { try ModelConfiguration(json: config) } throws: {
                "\($0)".contains(message)
            }
        }
    }

    @Test("Tensors of another scheme than config.json's are refused by name")
    func otherTensors() throws {
        let (folder, other) = (try TemporaryFolder(), try TemporaryFolder())
        try QuantizedCheckpoint.write(.awq, to: folder)
        try QuantizedCheckpoint.write(.gptq, to: other)
        try folder.write("config.json", Fixture.bytes(other.path + "/config.json"))
        #expect {
            try ModelRunner(
                folder: folder.path, dtype: .float32, backend: CPUBackend(pins: false),
                positions: 64)
        } throws: {
            "\($0)".contains("q_proj.qweight has shape [64, 8], config.json asks for [8, 64]")
        }
    }
}
