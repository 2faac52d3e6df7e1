// What the head of a GGUF file says of one tensor, and the checks that make a tensor of it. What the
// tensor is for, GGUF+Checkpoint tells by its name.

import TernTensor

/// One entry of a file's list of tensors.
struct GGUFTensorEntry {
    let name: String
    /// Outer sizes first, as models count them; the file has them the other way around.
    let shape: [Int]
    private let type: UInt32
    /// Where the data begin, counted from the start of all data.
    private let offset: UInt64

    /// More sizes are refused, as by ggml.
    private static let mostDimensions = 4

    init(_ reader: inout GGUFReader) throws(CheckpointError) {
        name = try reader.text("the name of a tensor")
        let dimensions = try reader.integer(UInt32.self, "the number of sizes of \(name)")
        guard (1...UInt32(Self.mostDimensions)).contains(dimensions) else {
            throw CheckpointError(
                reader.file,
                "tensor \(name) has \(dimensions) sizes, expected 1 to \(Self.mostDimensions)")
        }
        var sizes: [Int] = []
        for _ in 0..<dimensions {
            let size = try reader.integer(UInt64.self, "a size of \(name)")
            guard let size = Int(exactly: size), size > 0 else {
                throw CheckpointError(
                    reader.file, "tensor \(name) has the size \(size), expected 1 to \(Int.max)")
            }
            sizes.append(size)
        }
        shape = sizes.reversed()
        type = try reader.integer(UInt32.self, "the type of \(name)")
        offset = try reader.integer(UInt64.self, "the place of \(name)")
    }

    /// The name of its type.
    var typeName: String {
        Self.typeNames.indices.contains(Int(type)) ? Self.typeNames[Int(type)] : "type \(type)"
    }

    /// The tensor; nil where its type is not read.
    func tensor(
        in storage: Storage, dataStart: Int, alignment: Int, file: String
    ) throws(CheckpointError) -> CheckpointTensor? {
        guard let encoding else { return nil }
        func failure(_ reason: String) -> CheckpointError {
            CheckpointError(file, "tensor \(name): \(reason)")
        }
        let width = shape[shape.count - 1]
        guard width % encoding.blockElements == 0 else {
            throw failure(
                "rows of \(width) elements do not divide into \(typeName) blocks of "
                    + "\(encoding.blockElements)")
        }
        var bytes = encoding.blockBytes
        for size in shape.dropLast() + [width / encoding.blockElements] {
            let (product, overflow) = bytes.multipliedReportingOverflow(by: size)
            guard !overflow else { throw failure("size overflows") }
            bytes = product
        }
        let available = storage.bytes - dataStart
        guard available >= bytes, offset <= UInt64(available - bytes) else {
            throw failure("\(bytes) bytes from \(offset) on, of \(max(0, available)): truncated")
        }
        guard offset % UInt64(alignment) == 0 else {
            throw failure("begins at \(offset), expected a multiple of \(alignment)")
        }
        return CheckpointTensor(
            storage: storage, byteOffset: dataStart + Int(offset), encoding: encoding,
            shape: shape, file: file)
    }

    private var encoding: ElementEncoding? {
        switch typeName {
        case "F32": .plain(.float32)
        case "F16": .plain(.float16)
        case "BF16": .plain(.bfloat16)
        case let name: BlockFormat(rawValue: name).map { .blocks($0) }
        }
    }

    /// By the numbers in the file; some are no longer given. Source: ggml.h.
    private static let typeNames = [
        "F32", "F16", "Q4_0", "Q4_1", "type 4", "type 5", "Q5_0", "Q5_1", "Q8_0", "Q8_1", "Q2_K",
        "Q3_K", "Q4_K", "Q5_K", "Q6_K", "Q8_K", "IQ2_XXS", "IQ2_XS", "IQ3_XXS", "IQ1_S", "IQ4_NL",
        "IQ3_S", "IQ2_S", "IQ4_XS", "I8", "I16", "I32", "I64", "F64", "IQ1_M", "BF16", "type 31",
        "type 32", "type 33", "TQ1_0", "TQ2_0", "type 36", "type 37", "type 38", "MXFP4",
    ]
}
