// Writes safetensors files for tests, right ones and wrong ones.

import TernJSON

/// The tensors of a safetensors file, in the order in which they were added.
public struct SafetensorsBytes {
    private var entries: [(String, JSON)] = []
    private var content: [UInt8] = []

    /// No tensors yet.
    public init() {}

    /// Adds a tensor of the elements that a closure appends.
    public mutating func add(
        _ name: String, _ type: String, _ shape: [Int], write: (inout [UInt8]) -> Void
    ) {
        let start = content.count
        write(&content)
        entries.append(
            (
                name,
                [
                    "dtype": .string(type), "shape": .array(shape.map { .integer($0) }),
                    "data_offsets": [.integer(start), .integer(content.count)],
                ]
            ))
    }

    /// The whole file.
    public var file: [UInt8] {
        let header = Array(JSON.object(JSONObject(entries)).text().utf8)
        let length = (0..<8).map { UInt8(truncatingIfNeeded: header.count >> ($0 * 8)) }
        return length + header + content
    }
}

extension [UInt8] {
    /// Appends a word, its lowest byte first.
    public mutating func append(word: UInt32) {
        self += (0..<4).map { UInt8(truncatingIfNeeded: word >> ($0 * 8)) }
    }

    /// Appends a float32.
    public mutating func append(_ number: Float) { append(word: number.bitPattern) }

    /// Appends the upper or the lower half of a word: a bfloat16, a float16.
    public mutating func append(half: UInt16) {
        self += [UInt8(truncatingIfNeeded: half), UInt8(half >> 8)]
    }
}
