// What config.json says of a checkpoint whose matrices are quantized already. Which of them are is seen
// by the tensors that the files hold; how their bytes are read is QuantizedMatrix's.

import TernJSON
import TernTensor

/// The scheme of a quantized checkpoint.
///
/// Source: compressed-tensors' `QuantizationConfig` (int-quantized, pack-quantized), AutoAWQ's GEMM
/// version, GPTQModel and AutoGPTQ, as their config.json files have them.
public enum CheckpointQuantization: Sendable, Equatable {
    /// compressed-tensors W8A8: 8 bits with a scale for each output; inputs are quantized as they come.
    case channelInt8
    /// compressed-tensors W4A16 (pack-quantized): 4 bits, for so many inputs a scale; nil: one for all
    /// inputs. Zero points are in the files, or all 8.
    case packed(group: Int?, hasZeros: Bool)
    /// AWQ: 4 bits with zero points, for so many inputs a scale; nil: one for all inputs.
    case awq(group: Int?)
    /// GPTQ: the same in another order. `zeroOffset` is what its zero points lack.
    case gptq(group: Int?, zeroOffset: Int)

    /// Reads `quantization_config`; nil where there is none.
    ///
    /// Throws: `CheckpointError` for a scheme that is not read.
    init?(_ config: ConfigurationReader) throws(CheckpointError) {
        guard let object = config.value("quantization_config") else { return nil }
        let reader = ConfigurationReader(
            file: config.file + ": quantization_config", object: object)
        switch try reader.text("quant_method") {
        case "compressed-tensors": self = try Self(compressedTensors: reader)
        case "awq": self = try Self.awq(reader)
        case "gptq": self = try Self.gptq(reader)
        case let method:
            throw CheckpointError(
                config.file,
                "quantization_config: quant_method is \(method ?? "missing"), expected "
                    + "compressed-tensors, awq or gptq")
        }
    }

    /// The format that a matrix of so many inputs is held in.
    func format(inputs: Int) -> WeightFormat {
        switch self {
        case .channelInt8: .int8
        case .packed(let group, _), .awq(let group), .gptq(let group, _):
            .int4(group: group ?? inputs)
        }
    }

    /// What follows the module in the name of the tensor that holds its whole numbers.
    var numbersSuffix: String {
        switch self {
        case .channelInt8: ".weight"
        case .packed: ".weight_packed"
        case .awq, .gptq: ".qweight"
        }
    }

    private static func awq(_ reader: ConfigurationReader) throws(CheckpointError) -> Self {
        try expectFourBits(reader)
        let version = try reader.text("version") ?? "gemm"
        guard version.lowercased() == "gemm" else {
            throw CheckpointError(
                reader.file, "version is \(version), expected gemm")
        }
        return .awq(group: try groupSize(reader))
    }

    private static func gptq(_ reader: ConfigurationReader) throws(CheckpointError) -> Self {
        try expectFourBits(reader)
        // The first files have zero points less one; version 2 has them as they are.
        let form = try reader.text("checkpoint_format") ?? "gptq"
        guard ["gptq", "gptq_v2"].contains(form) else {
            throw CheckpointError(
                reader.file,
                "checkpoint_format is \(form), expected gptq or gptq_v2")
        }
        return .gptq(group: try groupSize(reader), zeroOffset: form == "gptq_v2" ? 0 : 1)
    }

    private static func expectFourBits(
        _ reader: ConfigurationReader
    ) throws(CheckpointError) {
        let bits = try reader.count("bits")
        guard bits == 4 else {
            throw CheckpointError(
                reader.file, "bits is \(bits), expected 4")
        }
    }

    /// Nil for -1: a group of all inputs.
    static func groupSize(_ reader: ConfigurationReader) throws(CheckpointError) -> Int? {
        if reader.value("group_size")?.integer == -1 { return nil }
        let group = try reader.count("group_size", default: WeightFormat.usualGroup)
        guard group % 8 == 0 else {
            throw CheckpointError(
                reader.file,
                "group_size is \(group), expected a multiple of 8, or -1")
        }
        return group
    }

    static func expect(
        _ reader: ConfigurationReader, _ key: String, _ expected: String
    ) throws(CheckpointError) {
        let found = try reader.text(key)
        guard found != expected else { return }
        throw CheckpointError(reader.file, "\(key) is \(found ?? "missing"), expected \(expected)")
    }
}
