// The weights of a model under their names, whether in one file or in many.

import Glibc
import TernJSON
import TernTensor

/// All tensors of a model.
public struct Checkpoint: Sendable {
    private let tensors: [String: CheckpointTensor]
    /// Tensors of whole numbers, by name.
    private let wholeNumbers: [String: CheckpointTensor]
    /// Tensors of types that are not read, by name.
    private let otherTypes: [String: String]
    /// The file that says which tensors there are.
    private let file: String

    /// Maps the files of a folder: those that model.safetensors.index.json names, or
    /// model.safetensors.
    ///
    /// Throws: `CheckpointError` for a missing, truncated or malformed file.
    public init(folder: String) throws(CheckpointError) {
        let index = "model.safetensors.index.json"
        guard FileContent.exists(folder + "/" + index) else {
            file = "model.safetensors"
            let whole = try Safetensors(folder: folder, file: file)
            (tensors, wholeNumbers) = (whole.tensors, whole.wholeNumbers)
            otherTypes = whole.otherTypes
            return
        }
        let reader = try ConfigurationReader(folder: folder, file: index)
        guard let map = reader.value("weight_map")?.object else {
            throw CheckpointError(index, "weight_map is missing, expected an object")
        }
        var placed: [String: CheckpointTensor] = [:]
        var wholeNumbers: [String: CheckpointTensor] = [:]
        var opened: [String: Safetensors] = [:]
        var others: [String: String] = [:]
        for (name, value) in map.members {
            guard let file = value.string, !file.contains("/") else {
                throw CheckpointError(index, "\(name): expected the name of a file in the folder")
            }
            if opened[file] == nil { opened[file] = try Safetensors(folder: folder, file: file) }
            if let type = opened[file]?.otherTypes[name] {
                others[name] = type
                wholeNumbers[name] = opened[file]?.wholeNumbers[name]
                continue
            }
            guard let tensor = opened[file]?.tensors[name] else {
                throw CheckpointError(file, "tensor \(name) is missing, \(index) places it here")
            }
            placed[name] = tensor
        }
        self.wholeNumbers = wholeNumbers
        (tensors, otherTypes, file) = (placed, others, index)
    }

    init(tensors: [String: CheckpointTensor], otherTypes: [String: String], file: String) {
        self.tensors = tensors
        wholeNumbers = [:]
        self.otherTypes = otherTypes
        self.file = file
    }

    /// A tensor by name, with the shape that config.json asks for.
    ///
    /// Throws: `CheckpointError` where it is missing or has another shape.
    func tensor(_ name: String, shape: [Int]) throws(CheckpointError) -> CheckpointTensor {
        guard let tensor = tensors[name] else {
            let found = otherTypes[name].map { "holds \($0), expected F32, BF16 or F16" }
            throw CheckpointError(file, "tensor \(name) \(found ?? "is missing")")
        }
        guard tensor.shape == shape else {
            throw CheckpointError(
                tensor.file,
                "tensor \(name) has shape \(tensor.shape), config.json asks for \(shape)")
        }
        return tensor
    }

    /// A tensor of whole numbers of so many bytes by name, with the shape that is asked for.
    ///
    /// Throws: `CheckpointError` where it is missing, of another type or of another shape.
    func wholeNumbers(
        _ name: String, bytes: Int, shape: [Int]
    ) throws(CheckpointError) -> CheckpointTensor {
        guard let tensor = wholeNumbers[name], tensor.encoding == .whole(bytes: bytes) else {
            let found = otherTypes[name] ?? (tensors[name] == nil ? nil : "real numbers")
            throw CheckpointError(
                file,
                "tensor \(name) \(found.map { "holds \($0)" } ?? "is missing"), expected whole "
                    + "numbers of \(8 * bytes) bits")
        }
        guard tensor.shape == shape else {
            throw CheckpointError(
                tensor.file,
                "tensor \(name) has shape \(tensor.shape), config.json asks for \(shape)")
        }
        return tensor
    }

    /// Whether there is a tensor of whole numbers under this name.
    func holdsWholeNumbers(_ name: String) -> Bool { wholeNumbers[name] != nil }

    /// Whether there is a tensor under this name.
    func holds(_ name: String) -> Bool { tensors[name] != nil || otherTypes[name] != nil }

    /// Whether there are two tensors under these names with different bytes.
    ///
    /// Cost: reads both up to the first difference.
    func holds(_ name: String, apartFrom other: String) -> Bool {
        guard let one = tensors[name] else { return false }
        guard let two = tensors[other], one.encoding == two.encoding,
            one.shape == two.shape, one.rowOrder == two.rowOrder
        else { return true }
        defer {
            one.letGo()
            two.letGo()
        }
        return memcmp(
            one.storage.base + one.byteOffset, two.storage.base + two.byteOffset, one.bytes) != 0
    }

    /// The type of most weights, for models whose configuration does not say.
    var commonType: DType {
        // Scales of quantized matrices say nothing of the others.
        let numbers = tensors.filter { !$0.key.hasSuffix("scale") && !$0.key.hasSuffix("scales") }
        let counts = DType.allCases.map { type in numbers.values.count { $0.residentType == type } }
        return zip(DType.allCases, counts).max { $0.1 < $1.1 }?.0 ?? .float32
    }
}
