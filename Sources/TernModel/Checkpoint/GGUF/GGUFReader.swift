// Reads the head of a GGUF file step by step. The file may come from anyone: every length is checked
// against the bytes that remain before it is used, and nothing is copied, so no count in a file can
// make it allocate.

import TernTensor

/// The types of metadata values, by their numbers in the file.
enum GGUFType: UInt32 {
    case uint8, int8, uint16, int16, uint32, int32, float32, bool, string, array, uint64, int64
    case float64

    /// Bytes of a value whose size is fixed.
    var bytes: Int? {
        switch self {
        case .uint8, .int8, .bool: 1
        case .uint16, .int16: 2
        case .uint32, .int32, .float32: 4
        case .uint64, .int64, .float64: 8
        case .string, .array: nil
        }
    }
}

/// A place in a mapped file.
struct GGUFReader {
    /// Arrays with more elements are refused where they are read: as values they take more memory
    /// than in the file.
    static let mostElements = 1 << 22
    /// Arrays nested deeper are refused.
    static let mostDepth = 4

    let storage: Storage
    /// The file's name, for messages.
    let file: String
    /// The next byte.
    private(set) var position = 0

    init(_ storage: Storage, file: String, at position: Int = 0) {
        self.storage = storage
        self.file = file
        self.position = position
    }

    private var remaining: Int { storage.bytes - position }

    /// A number in little-endian order.
    mutating func integer<Number: FixedWidthInteger & BitwiseCopyable>(
        _ type: Number.Type, _ what: String
    ) throws(CheckpointError) -> Number {
        let place = try take(MemoryLayout<Number>.size, what)
        let raw = UnsafeRawPointer(storage.base + place.lowerBound)
        return Number(littleEndian: raw.loadUnaligned(as: type))
    }

    /// How many things follow that take at least so many bytes each.
    mutating func count(_ what: String, ofBytes least: Int) throws(CheckpointError) -> Int {
        let number = try integer(UInt64.self, what)
        guard number <= UInt64(remaining / least) else {
            throw failure("\(what) is \(number), but \(remaining) bytes remain: truncated")
        }
        return Int(number)
    }

    /// The bytes of a string, after its length.
    mutating func string(_ what: String) throws(CheckpointError) -> Range<Int> {
        try take(count("the length of \(what)", ofBytes: 1), what)
    }

    /// A string that must be UTF-8.
    mutating func text(_ what: String) throws(CheckpointError) -> String {
        let place = try string(what)
        guard let text = storage.text(place) else {
            throw failure("\(what) is not UTF-8")
        }
        return text
    }

    /// A metadata value, whose type stands before it.
    mutating func value(_ key: String) throws(CheckpointError) -> GGUFValue {
        try value(type(key), key)
    }

    private mutating func type(_ key: String) throws(CheckpointError) -> GGUFType {
        let number = try integer(UInt32.self, "the type of \(key)")
        guard let type = GGUFType(rawValue: number) else {
            throw failure("\(key) has the unknown type \(number), expected 0 to 12")
        }
        return type
    }

    private mutating func value(
        _ type: GGUFType, _ key: String
    ) throws(CheckpointError) -> GGUFValue {
        switch type {
        case .uint8: return .integer(Int(try integer(UInt8.self, key)))
        case .int8: return .integer(Int(try integer(Int8.self, key)))
        case .uint16: return .integer(Int(try integer(UInt16.self, key)))
        case .int16: return .integer(Int(try integer(Int16.self, key)))
        case .uint32: return .integer(Int(try integer(UInt32.self, key)))
        case .int32: return .integer(Int(try integer(Int32.self, key)))
        case .int64: return .integer(Int(try integer(Int64.self, key)))
        case .uint64:
            let number = try integer(UInt64.self, key)
            guard let small = Int(exactly: number) else {
                throw failure("\(key) is \(number), expected at most \(Int.max)")
            }
            return .integer(small)
        case .float32:
            return .number(Double(Float(bitPattern: try integer(UInt32.self, key))))
        case .float64: return .number(Double(bitPattern: try integer(UInt64.self, key)))
        case .bool: return .bool(try integer(UInt8.self, key) != 0)
        case .string: return .text(try string(key))
        case .array: return .array(try array(key, depth: 1))
        }
    }

    /// An array, whose elements are passed over; `GGUFArray` reads them again where they are asked
    /// for.
    private mutating func array(_ key: String, depth: Int) throws(CheckpointError) -> GGUFArray {
        guard depth <= Self.mostDepth else {
            throw failure("\(key) nests arrays deeper than \(Self.mostDepth)")
        }
        let type = try type(key)
        let least = type.bytes ?? (type == .string ? 8 : 12)
        let count = try count("the number of elements of \(key)", ofBytes: least)
        let start = position
        if let bytes = type.bytes {
            _ = try take(count * bytes, key)
        } else {
            for _ in 0..<count {
                if type == .string {
                    _ = try string(key)
                } else {
                    _ = try array(key, depth: depth + 1)
                }
            }
        }
        return GGUFArray(type: type, count: count, start: start)
    }

    private mutating func take(_ bytes: Int, _ what: String) throws(CheckpointError) -> Range<Int> {
        guard bytes <= remaining else {
            throw failure("\(what) takes \(bytes) bytes, but \(remaining) remain: truncated")
        }
        defer { position += bytes }
        return position..<position + bytes
    }

    private func failure(_ reason: String) -> CheckpointError { CheckpointError(file, reason) }
}

extension GGUFReader {
    /// The elements of an array of numbers or booleans.
    mutating func elements(_ array: GGUFArray, _ key: String) throws(CheckpointError) -> [GGUFValue]
    {
        var values: [GGUFValue] = []
        guard array.type != .array else { throw failure("\(key) is an array of arrays") }
        guard array.count <= Self.mostElements else {
            throw failure(
                "\(key) has \(array.count) elements, at most \(Self.mostElements) are read")
        }
        for _ in 0..<array.count { values.append(try value(array.type, key)) }
        return values
    }
}

extension Storage {
    /// Text in a part of the memory; nil where it is not UTF-8.
    func text(_ range: Range<Int>) -> String? {
        String(
            validating: UnsafeRawBufferPointer(
                start: base + range.lowerBound, count: range.count), as: UTF8.self)
    }
}
