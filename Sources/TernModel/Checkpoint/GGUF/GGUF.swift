// A GGUF file: a whole model in one file, mapped for reading. Here it is taken apart into metadata
// and tensors; what they mean is told by the files beside this one.

import TernTensor

/// The metadata and tensors of one mapped file.
///
/// Source: docs/gguf.md of ggml, versions 2 and 3: magic, version, counts, metadata, then of each
/// tensor its name, sizes, type and place; the data follow at the next multiple of the alignment.
public struct GGUF: Sendable {
    /// The file's name, for messages.
    let file: String
    let storage: Storage
    /// Values by key.
    let metadata: [String: GGUFValue]
    /// Tensors by the names in the file.
    let tensors: [String: CheckpointTensor]
    /// The types of tensors that are not read, by name.
    let otherTypes: [String: String]

    /// Maps a file and reads its head.
    ///
    /// Throws: `CheckpointError` for a missing, truncated or malformed file.
    public init(path: String) throws(CheckpointError) {
        let file = String(path.split(separator: "/").last ?? "model.gguf")
        let storage: Storage
        do {
            storage = try Storage(mapping: path)
        } catch {
            throw CheckpointError(file, "\(error.cause): \(path)")
        }
        try self.init(storage, file: file)
    }

    /// Reads the head of a file that lies in memory.
    ///
    /// Throws: `CheckpointError` where it is truncated or malformed.
    public init(_ storage: Storage, file: String) throws(CheckpointError) {
        var reader = GGUFReader(storage, file: file)
        try Self.checkMagic(&reader)
        // A tensor takes its name's length, number of sizes, one size, type and place; a value its
        // key's length, type and a byte.
        let tensorCount = try reader.count("the number of tensors", ofBytes: 8 + 4 + 8 + 4 + 8)
        let valueCount = try reader.count("the number of metadata values", ofBytes: 8 + 4 + 1)
        metadata = try Self.metadata(&reader, count: valueCount)
        var entries: [GGUFTensorEntry] = []
        for _ in 0..<tensorCount { entries.append(try GGUFTensorEntry(&reader)) }
        let alignment = try Self.alignment(metadata["general.alignment"], file: file)
        let dataStart = (reader.position + alignment - 1) / alignment * alignment
        var tensors: [String: CheckpointTensor] = [:]
        var otherTypes: [String: String] = [:]
        for entry in entries {
            guard tensors[entry.name] == nil, otherTypes[entry.name] == nil else {
                throw CheckpointError(file, "tensor \(entry.name) stands twice")
            }
            tensors[entry.name] = try entry.tensor(
                in: storage, dataStart: dataStart, alignment: alignment, file: file)
            if tensors[entry.name] == nil { otherTypes[entry.name] = entry.typeName }
        }
        self.file = file
        self.storage = storage
        self.tensors = tensors
        self.otherTypes = otherTypes
        if let parts = try integer("split.count"), parts > 1 {
            throw CheckpointError(
                file, "is one of \(parts) parts of a model; join them first: gguf-split --merge")
        }
    }

    private static func checkMagic(_ reader: inout GGUFReader) throws(CheckpointError) {
        let magic = try reader.integer(UInt32.self, "the magic number")
        guard magic == 0x4655_4747 else {
            throw CheckpointError(
                reader.file, "is no GGUF file; a model is a folder or a GGUF file")
        }
        let version = try reader.integer(UInt32.self, "the version")
        guard version == 2 || version == 3 else {
            let found = version.byteSwapped == 3 ? "big-endian" : "version \(version)"
            throw CheckpointError(
                reader.file, "is a GGUF file of \(found), read are versions 2 and 3, little-endian")
        }
    }

    private static func metadata(
        _ reader: inout GGUFReader, count: Int
    ) throws(CheckpointError) -> [String: GGUFValue] {
        var values: [String: GGUFValue] = [:]
        for _ in 0..<count {
            let key = try reader.text("a key of the metadata")
            guard values.updateValue(try reader.value(key), forKey: key) == nil else {
                throw CheckpointError(reader.file, "\(key) stands twice in the metadata")
            }
        }
        return values
    }

    private static func alignment(
        _ value: GGUFValue?, file: String
    ) throws(CheckpointError) -> Int {
        guard let value else { return 32 }
        guard case .integer(let number) = value, (1...1 << 20).contains(number),
            number & (number - 1) == 0
        else {
            throw CheckpointError(
                file, "general.alignment must be a power of two of at most \(1 << 20)")
        }
        return number
    }
}
