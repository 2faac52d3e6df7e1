// One matrix of four bits as a file holds it, of random words, so that every whole number and every zero
// point occurs; and the real numbers that it stands for, worked out element by element from the file's
// bytes, as the libraries that write such files say.

import TernJSON
import TernTesting

/// How a matrix lies in its file.
enum SavedLayout: Sendable {
    case awq, gptq, gptqSecond

    /// What zero points lack.
    var zeroOffset: Int { self == .gptq ? 1 : 0 }

    /// What config.json says, for a group or one for all inputs.
    func configuration(group: Int?) -> JSON {
        switch self {
        case .awq:
            ["quant_method": "awq", "bits": 4, "group_size": .integer(group ?? -1)]
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

    /// Inputs that share a scale.
    var width: Int { group ?? inputs }
    var groups: Int { (inputs + width - 1) / width }

    private var tensors: [(name: String, type: String, shape: [Int])] {
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
                    case "F16": bytes.append(half: UInt16(0x2000 | word() & 0x0FFF))
                    case "I8": bytes.append(UInt8(word() & 0xFF))
                    default: bytes.append(word: word())
                    }
                }
            }
        }
        if let order {
            file.add("m.g_idx", "I32", [order.count]) { bytes in
                for group in order { bytes.append(word: UInt32(group)) }
            }
        }
        return file.file
    }

    /// The real number of every output and input, and the zero points that occur.
    func dequantized(_ file: [UInt8]) throws -> (numbers: [[Float]], zeros: Set<Int>) {
        let bytes = try SavedTensors(file)
        // Places of a word, by output: AutoAWQ's reverse order.
        let places = layout == .awq ? [0, 4, 1, 5, 2, 6, 3, 7] : Array(0..<8)
        var zeros: Set<Int> = []
        let numbers = (0..<outputs).map { row in
            (0..<inputs).map { input in
                let group = input / width
                let number =
                    layout == .awq
                    ? bytes.word("m.qweight", input * (outputs / 8) + row / 8)
                        >> (4 * places[row % 8]) & 15
                    : bytes.word("m.qweight", input / 8 * outputs + row) >> (4 * (input % 8)) & 15
                let zero =
                    bytes.word("m.qzeros", group * (outputs / 8) + row / 8)
                    >> (4 * places[row % 8]) & 15
                zeros.insert(zero + layout.zeroOffset)
                return Float(number - zero - layout.zeroOffset)
                    * bytes.half("m.scales", group * outputs + row)
            }
        }
        return (numbers, zeros)
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

    func half(_ name: String, _ index: Int) -> Float {
        let start = (starts[name] ?? 0) + 2 * index
        return Float(Float16(bitPattern: UInt16(bytes[start]) | UInt16(bytes[start + 1]) << 8))
    }
}
