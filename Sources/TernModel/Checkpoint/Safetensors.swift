// One safetensors file, mapped for reading. Every offset is checked against the bytes that are
// there before anything is looked at; nothing is copied.

import TernJSON
import TernTensor

/// The tensors of one mapped file.
///
/// Source: the safetensors format: 8 bytes of header length, little-endian; a JSON header with
/// dtype, shape and data_offsets of each tensor; then the data.
public struct Safetensors: Sendable {
    /// A longer header is refused.
    public static let headerLimitBytes = 100 << 20

    /// All tensors by name.
    public let tensors: [String: CheckpointTensor]
    /// Tensors of whole numbers, by name: those of quantized checkpoints.
    let wholeNumbers: [String: CheckpointTensor]
    /// The types of all tensors that hold no real numbers that are read, by name.
    let otherTypes: [String: String]

    /// Maps a file and reads its header.
    ///
    /// Throws: `CheckpointError` for a missing, truncated or malformed file.
    public init(folder: String, file: String) throws(CheckpointError) {
        let storage: Storage
        do {
            storage = try Storage(mapping: folder + "/" + file)
        } catch {
            throw CheckpointError(file, "\(error.cause) in the model folder \(folder)")
        }
        let content = UnsafeRawBufferPointer(start: storage.base, count: storage.bytes)
        guard content.count >= 8 else {
            throw CheckpointError(file, "has \(content.count) bytes, a header takes at least 8")
        }
        let length = UInt64(littleEndian: content.loadUnaligned(as: UInt64.self))
        guard length <= UInt64(min(Self.headerLimitBytes, content.count - 8)) else {
            throw CheckpointError(
                file, "header of \(length) bytes in a file of \(content.count): truncated")
        }
        let dataStart = 8 + Int(length)
        let header: JSON
        do {
            header = try JSON(parsing: content[8..<dataStart])
        } catch {
            throw CheckpointError(file, "header: \(error)")
        }
        guard let entries = header.object else {
            throw CheckpointError(file, "header is \(header.kind), expected an object")
        }
        var tensors: [String: CheckpointTensor] = [:]
        var wholeNumbers: [String: CheckpointTensor] = [:]
        var otherTypes: [String: String] = [:]
        for (name, entry) in entries.members where name != "__metadata__" {
            let tensor = try Self.tensor(
                name, entry, in: storage, dataStart: dataStart, file: file)
            if let tensor, case .plain = tensor.encoding {
                tensors[name] = tensor
            } else {
                wholeNumbers[name] = tensor
                otherTypes[name] = entry["dtype"]?.string
            }
        }
        self.tensors = tensors
        self.wholeNumbers = wholeNumbers
        self.otherTypes = otherTypes
    }

    private static func tensor(
        _ name: String, _ entry: JSON, in storage: Storage, dataStart: Int, file: String
    ) throws(CheckpointError) -> CheckpointTensor? {
        let shape = (entry["shape"]?.array ?? []).compactMap(\.integer)
        let offsets = (entry["data_offsets"]?.array ?? []).compactMap(\.integer)
        guard let typeName = entry["dtype"]?.string, offsets.count == 2,
            shape.count == entry["shape"]?.array?.count, shape.allSatisfy({ $0 >= 0 })
        else { throw CheckpointError(file, "tensor \(name): malformed entry in the header") }
        guard let encoding = encodings[typeName] else { return nil }
        var bytes = encoding.blockBytes
        for size in shape {
            let (product, overflow) = bytes.multipliedReportingOverflow(by: size)
            guard !overflow else { throw CheckpointError(file, "tensor \(name): size overflows") }
            bytes = product
        }
        let available = storage.bytes - dataStart
        guard offsets[0] >= 0, offsets[0] <= offsets[1], offsets[1] <= available else {
            throw CheckpointError(
                file,
                "tensor \(name): bytes \(offsets[0])..<\(offsets[1]) of \(available): truncated")
        }
        guard offsets[1] - offsets[0] == bytes else {
            throw CheckpointError(
                file,
                "tensor \(name): \(offsets[1] - offsets[0]) bytes, but \(typeName) \(shape) takes "
                    + "\(bytes)")
        }
        return CheckpointTensor(
            storage: storage, byteOffset: dataStart + offsets[0], encoding: encoding,
            shape: shape, file: file)
    }

    private static let encodings: [String: ElementEncoding] = [
        "F32": .plain(.float32), "BF16": .plain(.bfloat16), "F16": .plain(.float16),
        "I8": .whole(bytes: 1), "I32": .whole(bytes: 4),
    ]
}
