// One matrix of four bits as a file holds it, of random words, so that every whole number and every zero
// point occurs; and the real numbers that it stands for, worked out element by element from the file's
// bytes, as the libraries that write such files say.

import TernJSON
import TernTesting

/// How a matrix lies in its file.
enum SavedLayout: CaseIterable, Sendable {
    case awq, gptq, gptqSecond, packed, packedSymmetric

    /// Whether scales and zero points of an output are neighbours.
    var isPacked: Bool { self == .packed || self == .packedSymmetric }

    /// What zero points lack.
    var zeroOffset: Int { self == .gptq ? 1 : 0 }

    /// What config.json says, for a group or one for all inputs.
    func configuration(group: Int?) -> JSON {
        switch self {
        case .awq:
            ["quant_method": "awq", "bits": 4, "group_size": .integer(group ?? -1)]
        case .packed, .packedSymmetric:
            [
                "quant_method": "compressed-tensors", "format": "pack-quantized",
                "config_groups": [
                    "group_0": [
                        "weights": [
                            "num_bits": 4, "type": "int",
                            "symmetric": .bool(self == .packedSymmetric),
                            "strategy": group == nil ? "channel" : "group",
                            "group_size": group.map { .integer($0) } ?? nil,
                        ]
                    ]
                ],
            ]
        case .gptq:
            ["quant_method": "gptq", "bits": 4, "group_size": .integer(group ?? -1)]
        case .gptqSecond:
            [
                "quant_method": "gptq", "bits": 4, "group_size": .integer(group ?? -1),
                "checkpoint_format": "gptq_v2",
            ]
        }
    }
}

/// The matrix of a module `m`. Shape: `[outputs, inputs]`.
struct SavedMatrix {
    let layout: SavedLayout
    let outputs, inputs: Int
    let group: Int?
    /// The group of each input; none is written without.
    var order: [Int]?
    /// The bits of every scale, as its type has them; random ones without.
    var scaleBits: UInt32?

    /// Inputs that share a scale.
    var width: Int { group ?? inputs }
    var groups: Int { (inputs + width - 1) / width }

    private var tensors: [(name: String, type: String, shape: [Int])] {
        if layout.isPacked {
            let tensors = [
                ("m.weight_packed", "I32", [outputs, inputs / 8]),
                ("m.weight_scale", "BF16", [outputs, groups]),
                ("m.weight_zero_point", "I32", [(outputs + 7) / 8, groups]),
            ]
            return layout == .packed ? tensors : tensors.dropLast()
        }
        let words = layout == .awq ? [inputs, outputs / 8] : [inputs / 8, outputs]
        return [
            ("m.qweight", "I32", words), ("m.qzeros", "I32", [groups, outputs / 8]),
            ("m.scales", "F16", [groups, outputs]),
        ]
    }

    /// A safetensors file, in which some tensors may have another type or shape.
    func file(_ change: (inout (name: String, type: String, shape: [Int])) -> Void = { _ in })
        -> [UInt8]
    {
        var state: UInt64 = 11
        func word() -> UInt32 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt32(truncatingIfNeeded: state >> 32)
        }
        var file = SafetensorsBytes()
        for tensor in tensors {
            var tensor = tensor
            change(&tensor)
            let count = tensor.shape.reduce(1, *)
            file.add(tensor.name, tensor.type, tensor.shape) { bytes in
                for _ in 0..<count {
                    switch tensor.type {
                    case "F32": bytes.append(word: scaleBits ?? word())
                    case "F16": bytes.append(half: UInt16(scaleBits ?? 0x2000 | word() & 0x0FFF))
                    case "BF16": bytes.append(half: UInt16(scaleBits ?? 0x3C00 | word() & 0xFF))
                    case "I8": bytes.append(UInt8(word() & 0xFF))
                    default: bytes.append(word: word())
                    }
                }
            }
        }
        if let order {
            file.add(layout.isPacked ? "m.weight_g_idx" : "m.g_idx", "I32", [order.count]) {
                bytes in
                for group in order { bytes.append(word: UInt32(group)) }
            }
        }
        return file.file
    }

    /// The real number of every output and input, and the zero points that occur.
    func dequantized(_ file: [UInt8]) throws -> (numbers: [[Float]], zeros: Set<Int>) {
        let bytes = try SavedTensors(file)
        var zeros: Set<Int> = []
        let numbers = (0..<outputs).map { row in
            (0..<inputs).map { input in
                let zero = zero(row, group: input / width, in: bytes)
                zeros.insert(zero)
                return Float(number(row, input, in: bytes) - zero)
                    * scale(row, group: input / width, in: bytes)
            }
        }
        return (numbers, zeros)
    }

    private func number(_ row: Int, _ input: Int, in file: SavedTensors) -> Int {
        switch layout {
        case .awq:
            file.word("m.qweight", input * (outputs / 8) + row / 8) >> (4 * place(row)) & 15
        case .gptq, .gptqSecond:
            file.word("m.qweight", input / 8 * outputs + row) >> (4 * (input % 8)) & 15
        case .packed, .packedSymmetric:
            file.word("m.weight_packed", row * (inputs / 8) + input / 8) >> (4 * (input % 8)) & 15
        }
    }

    private func zero(_ row: Int, group: Int, in file: SavedTensors) -> Int {
        switch layout {
        case .packedSymmetric: return 8
        case .packed:
            return file.word("m.weight_zero_point", row / 8 * groups + group) >> (4 * (row % 8))
                & 15
        case .awq, .gptq, .gptqSecond:
            let word = file.word("m.qzeros", group * (outputs / 8) + row / 8)
            return (word >> (4 * place(row)) & 15) + layout.zeroOffset
        }
    }

    private func scale(_ row: Int, group: Int, in file: SavedTensors) -> Float {
        layout.isPacked
            ? Float(bitPattern: UInt32(file.half("m.weight_scale", row * groups + group)) << 16)
            : Float(Float16(bitPattern: file.half("m.scales", group * outputs + row)))
    }

    /// Where a word of outputs keeps one: AutoAWQ's reverse order, or none.
    private func place(_ row: Int) -> Int {
        layout == .awq ? [0, 4, 1, 5, 2, 6, 3, 7][row % 8] : row % 8
    }
}

/// A safetensors file, read for a test.
private struct SavedTensors {
    private let bytes: [UInt8]
    private let starts: [String: Int]

    init(_ bytes: [UInt8]) throws {
        let length = bytes[..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
        let header = try JSON(parsing: bytes[8..<8 + length])
        self.bytes = bytes
        starts = Dictionary(
            uniqueKeysWithValues: (header.object?.members ?? []).map {
                ($0.key, 8 + length + ($0.value["data_offsets"]?.array?[0].integer ?? 0))
            })
    }

    func word(_ name: String, _ index: Int) -> Int {
        let start = (starts[name] ?? 0) + 4 * index
        return bytes[start..<start + 4].reversed().reduce(0) { $0 << 8 | Int($1) }
    }

    func half(_ name: String, _ index: Int) -> UInt16 {
        let start = (starts[name] ?? 0) + 2 * index
        return UInt16(bytes[start]) | UInt16(bytes[start + 1]) << 8
    }
}
