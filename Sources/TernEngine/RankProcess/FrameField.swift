// How values become bytes of a frame and come back. Every count is held against the bytes that remain
// before anything is made of it, so that what reads needs no trust in what wrote.

import TernPlanning

/// A value that can be a part of a frame.
protocol FrameField {
    /// Appends the value.
    func write(to writer: inout FrameWriter)
    /// Reads a value that `write` wrote.
    init(from reader: inout FrameReader) throws(FrameError)
}

/// A payload in the making.
struct FrameWriter {
    private(set) var bytes: [UInt8] = []

    mutating func write(integer value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func write(_ value: some FrameField) { value.write(to: &self) }

    /// A count, then each value.
    mutating func write(_ values: [some FrameField]) {
        write(integer: UInt32(values.count))
        for value in values { value.write(to: &self) }
    }

    /// A count, then the numbers.
    mutating func write<ID: Identifier>(ids: [ID]) where ID.RawValue == Int32 {
        write(integer: UInt32(ids.count))
        bytes.reserveCapacity(bytes.count + 4 * ids.count)
        for id in ids { write(integer: id.rawValue) }
    }

    /// A count, then the bytes.
    mutating func write(contentsOf content: some Collection<UInt8>) {
        write(integer: UInt32(content.count))
        bytes.append(contentsOf: content)
    }

    /// Whether there is a value, then the value.
    mutating func write(optional value: (some FrameField)?) {
        write(value != nil)
        if let value { write(value) }
    }
}

/// A payload that is being read.
struct FrameReader {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Bytes that were not read.
    var remaining: Int { bytes.count - position }

    mutating func integer<Number: FixedWidthInteger>() throws(FrameError) -> Number {
        let size = MemoryLayout<Number>.size
        guard size <= remaining else {
            throw FrameError("frame: \(remaining) bytes remain, \(size) make a number")
        }
        defer { position += size }
        return bytes.withUnsafeBytes {
            Number(littleEndian: $0.loadUnaligned(fromByteOffset: position, as: Number.self))
        }
    }

    mutating func value<Value: FrameField>() throws(FrameError) -> Value {
        try Value(from: &self)
    }

    mutating func values<Value: FrameField>() throws(FrameError) -> [Value] {
        var values: [Value] = []
        for _ in 0..<(try count(ofBytes: 1)) { values.append(try Value(from: &self)) }
        return values
    }

    mutating func ids<ID: Identifier>() throws(FrameError) -> [ID] where ID.RawValue == Int32 {
        let count = try count(ofBytes: 4)
        let first = position
        position += 4 * count
        return bytes.withUnsafeBytes { bytes in
            (0..<count).map { index in
                let offset = first + 4 * index
                let number = bytes.loadUnaligned(fromByteOffset: offset, as: Int32.self)
                return ID(rawValue: Int32(littleEndian: number))
            }
        }
    }

    mutating func content() throws(FrameError) -> ArraySlice<UInt8> {
        let count = try count(ofBytes: 1)
        defer { position += count }
        return bytes[position..<position + count]
    }

    mutating func optional<Value: FrameField>() throws(FrameError) -> Value? {
        let exists: Bool = try value()
        return exists ? try value() : nil
    }

    /// A count of elements of at least so many bytes, which must still be there.
    private mutating func count(ofBytes size: Int) throws(FrameError) -> Int {
        let count = Int(try integer() as UInt32)
        guard count <= remaining / size else {
            throw FrameError("frame: \(remaining) bytes remain, found a count of \(count)")
        }
        return count
    }
}

extension Int: FrameField {
    func write(to writer: inout FrameWriter) { writer.write(integer: Int64(self)) }
    init(from reader: inout FrameReader) throws(FrameError) {
        self.init(try reader.integer() as Int64)
    }
}

extension Bool: FrameField {
    func write(to writer: inout FrameWriter) { writer.write(integer: UInt8(self ? 1 : 0)) }
    init(from reader: inout FrameReader) throws(FrameError) {
        let byte: UInt8 = try reader.integer()
        guard byte <= 1 else { throw FrameError("frame: \(byte) for a truth, expected 0 or 1") }
        self = byte == 1
    }
}

extension Float: FrameField {
    func write(to writer: inout FrameWriter) { writer.write(integer: bitPattern) }
    init(from reader: inout FrameReader) throws(FrameError) {
        self.init(bitPattern: try reader.integer())
    }
}

extension Double: FrameField {
    func write(to writer: inout FrameWriter) { writer.write(integer: bitPattern) }
    init(from reader: inout FrameReader) throws(FrameError) {
        self.init(bitPattern: try reader.integer())
    }
}

extension String: FrameField {
    func write(to writer: inout FrameWriter) { writer.write(contentsOf: utf8) }
    init(from reader: inout FrameReader) throws(FrameError) {
        let content = try reader.content()
        guard let text = String(validating: content, as: UTF8.self) else {
            throw FrameError("frame: a text of \(content.count) bytes is not UTF-8")
        }
        self = text
    }
}

extension TokenID: FrameField {
    func write(to writer: inout FrameWriter) { writer.write(integer: rawValue) }
    init(from reader: inout FrameReader) throws(FrameError) {
        self.init(rawValue: try reader.integer())
    }
}

extension SequenceID: FrameField {
    func write(to writer: inout FrameWriter) { writer.write(integer: rawValue) }
    init(from reader: inout FrameReader) throws(FrameError) {
        self.init(rawValue: try reader.integer())
    }
}
