// The messages between the server and the process of its ranks, in a fixed binary form: a header of
// 16 bytes (magic, kind, length of what follows), then fields one after the other, little-endian.
// What the fields of a kind are is said beside each type; how frames travel is FrameSocket's.

/// A message.
struct Frame: Sendable, Equatable {
    /// What a message tells.
    enum Kind: UInt32, Sendable, CaseIterable {
        /// To the ranks: a `StepPlan`.
        case plan = 1
        /// From the ranks: a `RankAnswer`.
        case result
        /// From the ranks: why they cannot go on, a text.
        case failed
        /// While they start: the `MemoryPlan`.
        case memory
        /// While they start: the share that is loaded, a number.
        case loading
        /// While they start: a line for the log.
        case note
        /// They are ready: a `RankSummary`.
        case ready
    }

    /// The first bytes of every frame.
    static let magic: UInt32 = 0x4E52_4554
    /// Bytes before the payload.
    static let headerBytes = 16
    /// The longest payload: more than a plan of a million tokens with their histories.
    static let maxPayloadBytes = 1 << 30

    let kind: Kind
    let payload: [UInt8]

    init(_ kind: Kind, payload: [UInt8] = []) {
        self.kind = kind
        self.payload = payload
    }

    /// A frame of one value.
    init(_ kind: Kind, _ value: some FrameField) {
        var writer = FrameWriter()
        value.write(to: &writer)
        self.init(kind, payload: writer.bytes)
    }

    /// The value that is the whole payload.
    ///
    /// Throws: where the payload is too short, too long, or holds what the type cannot be.
    func value<Value: FrameField>(_ type: Value.Type = Value.self) throws(FrameError) -> Value {
        var reader = FrameReader(payload)
        let value = try Value(from: &reader)
        guard reader.remaining == 0 else {
            throw FrameError("frame \(kind): \(reader.remaining) bytes after its end")
        }
        return value
    }

    /// The bytes before the payload.
    var header: [UInt8] {
        var writer = FrameWriter()
        writer.write(integer: Self.magic)
        writer.write(integer: kind.rawValue)
        writer.write(integer: UInt64(payload.count))
        return writer.bytes
    }

    /// Reads a header.
    ///
    /// Throws: for another magic, an unknown kind or a payload beyond the bound.
    static func parse(header: [UInt8]) throws(FrameError) -> (kind: Kind, payloadBytes: Int) {
        var reader = FrameReader(header)
        let magic: UInt32 = try reader.integer()
        guard magic == Self.magic else {
            throw FrameError("frame: begins with \(magic), expected \(Self.magic)")
        }
        let number: UInt32 = try reader.integer()
        guard let kind = Kind(rawValue: number) else {
            throw FrameError("frame: kind \(number), expected 1 to \(Kind.allCases.count)")
        }
        let length: UInt64 = try reader.integer()
        guard length <= UInt64(maxPayloadBytes) else {
            throw FrameError("frame \(kind): \(length) bytes, at most \(maxPayloadBytes)")
        }
        return (kind, Int(length))
    }
}
