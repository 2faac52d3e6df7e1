// Writes GGUF files for tests, right ones and wrong ones: any number can be put where the format
// has one.

import TernJSON

/// The bytes of a GGUF file, in the order in which they stand.
public struct GGUFBytes {
    /// A metadata value with its type.
    public enum Value {
        case uint32(UInt32)
        case float32(Float)
        case bool(Bool)
        case text(String)
        case texts([String])
        case floats([Float])
        case int32s([Int32])
    }

    /// What was written so far.
    public private(set) var bytes: [UInt8] = []

    /// The head: magic, version and the two counts.
    public init(version: UInt32 = 3, tensors: Int, values: Int) {
        bytes += Array("GGUF".utf8)
        append(version)
        append(UInt64(tensors))
        append(UInt64(values))
    }

    /// Writes a number.
    public mutating func append<Number: FixedWidthInteger & BitwiseCopyable>(_ number: Number) {
        withUnsafeBytes(of: number.littleEndian) { bytes += $0 }
    }

    /// Writes a string after its length.
    public mutating func append(_ text: String) {
        append(UInt64(text.utf8.count))
        bytes += Array(text.utf8)
    }

    /// Writes a metadata value under a key.
    public mutating func append(_ key: String, _ value: Value) {
        append(key)
        switch value {
        case .uint32(let number):
            append(UInt32(4))
            append(number)
        case .float32(let number):
            append(UInt32(6))
            append(number.bitPattern)
        case .bool(let flag):
            append(UInt32(7))
            append(UInt8(flag ? 1 : 0))
        case .text(let text):
            append(UInt32(8))
            append(text)
        case .texts(let list): appendArray(of: 8, list) { $0.append($1) }
        case .floats(let list): appendArray(of: 6, list) { $0.append($1.bitPattern) }
        case .int32s(let list): appendArray(of: 5, list) { $0.append($1) }
        }
    }

    /// Writes an entry of the list of tensors; `shape` has the outer size first.
    public mutating func append(tensor name: String, _ shape: [Int], type: UInt32, offset: Int) {
        append(name)
        append(UInt32(shape.count))
        for size in shape.reversed() { append(UInt64(size)) }
        append(type)
        append(UInt64(offset))
    }

    /// Writes zeros up to a multiple of 32, then the data.
    public mutating func append(data: some Collection<UInt8>) {
        bytes += Array(repeating: 0, count: (32 - bytes.count % 32) % 32)
        bytes += data
    }

    /// A file that holds Tests/Golden/gguf/pieces.json as a tokenizer and nothing else.
    public static func pieces(_ golden: JSON) -> [UInt8] {
        let tokens = (golden["tokens"]?.array ?? []).compactMap(\.string)
        let scores = (golden["scores"]?.array ?? []).compactMap(\.number)
        let kinds = (golden["kinds"]?.array ?? []).compactMap(\.integer)
        var bytes = GGUFBytes(tensors: 0, values: 6)
        bytes.append("tokenizer.ggml.model", .text("llama"))
        bytes.append("tokenizer.ggml.tokens", .texts(tokens))
        bytes.append("tokenizer.ggml.scores", .floats(scores.map { Float($0) }))
        bytes.append("tokenizer.ggml.token_type", .int32s(kinds.map { Int32($0) }))
        bytes.append("tokenizer.ggml.bos_token_id", .uint32(1))
        bytes.append("tokenizer.ggml.unknown_token_id", .uint32(0))
        bytes.append(data: [UInt8](repeating: 0, count: 32))
        return bytes.bytes
    }

    private mutating func appendArray<Element>(
        of type: UInt32, _ list: [Element], element: (inout Self, Element) -> Void
    ) {
        append(UInt32(9))
        append(type)
        append(UInt64(list.count))
        for value in list { element(&self, value) }
    }
}
