// Reads calls of tools out of a text while it is generated. The text was kept to a form, so that this
// need not doubt it; where the text was cut short, so is what is told. It makes no ids.

import TernJSON

/// What a piece of text tells.
public enum ToolCallEvent: Sendable, Equatable {
    /// Text that belongs to no call.
    case text(String)
    /// A call of a function begins.
    case call(name: String)
    /// More of the arguments of the last call, as JSON text.
    case arguments(String)
}

/// A reader of one reply, fed in pieces. The events do not depend on how the text is cut.
public struct ToolCallParser: Sendable {
    /// What stands before a call in the Hermes family.
    static let marker = "<tool_call>"

    private enum Place {
        /// Nothing was read yet that tells a text from calls.
        case beginning
        case text
        /// In text that may come to a marker, of which so many bytes were read.
        case search(matched: Int)
        /// Before or between calls.
        case between
        case header([UInt8])
        case arguments(depth: Int, isString: Bool, isEscaped: Bool)
    }

    private let opener: UInt8
    private let headerEnd: [UInt8]
    private var place: Place

    /// Starts to read.
    public init(_ format: ToolCallFormat) {
        opener = UInt8(ascii: format.family == .mistral ? "[" : "{")
        headerEnd = Array(", \"\(format.family.argumentsKey)\": ".utf8)
        place =
            format.family == .hermes
            ? .search(matched: 0) : format.isRequired ? .between : .beginning
    }

    /// Takes more text.
    public mutating func append(_ text: String) -> [ToolCallEvent] {
        var events: [ToolCallEvent] = []
        // Bytes of text or of arguments that are to be told together.
        var bytes: [UInt8] = []
        for byte in text.utf8 { advance(byte, &bytes, &events) }
        tell(&bytes, &events)
        return events
    }

    /// Ends the text: what was held back as the beginning of a marker was text.
    public mutating func finish() -> [ToolCallEvent] {
        guard case .search(let matched) = place, matched > 0 else { return [] }
        place = .search(matched: 0)
        return [.text(String(Self.marker.prefix(matched)))]
    }

    private mutating func advance(
        _ byte: UInt8, _ bytes: inout [UInt8], _ events: inout [ToolCallEvent]
    ) {
        switch place {
        case .beginning:
            place = byte == opener ? .between : .text
            advance(byte, &bytes, &events)
        case .text: bytes.append(byte)
        case .search(let matched): search(byte, matched, &bytes, &events)
        case .between: if byte == UInt8(ascii: "{") { place = .header([byte]) }
        case .header(var header):
            header.append(byte)
            place = .header(header)
            guard header.suffix(headerEnd.count) == headerEnd[...] else { return }
            let object = header.dropLast(headerEnd.count) + [UInt8(ascii: "}")]
            events.append(.call(name: name(in: object)))
            place = .arguments(depth: 0, isString: false, isEscaped: false)
        case .arguments(let depth, let isString, let isEscaped):
            argue(byte, depth, isString, isEscaped, &bytes, &events)
        }
    }

    private func name(in object: some Sequence<UInt8>) -> String {
        do {
            return try JSON(parsing: object)["name"]?.string ?? ""
        } catch {
            return ""
        }
    }

    /// The marker's first byte is nowhere else in it: what does not go on with it starts anew.
    private mutating func search(
        _ byte: UInt8, _ matched: Int, _ bytes: inout [UInt8], _ events: inout [ToolCallEvent]
    ) {
        let marker = Array(Self.marker.utf8)
        if byte == marker[matched] {
            place = matched + 1 == marker.count ? .between : .search(matched: matched + 1)
            if matched + 1 == marker.count { tell(&bytes, &events, asText: true) }
            return
        }
        bytes += marker[..<matched]
        place = .search(matched: byte == marker[0] ? 1 : 0)
        if byte != marker[0] { bytes.append(byte) }
    }

    private mutating func argue(
        _ byte: UInt8, _ depth: Int, _ isString: Bool, _ isEscaped: Bool, _ bytes: inout [UInt8],
        _ events: inout [ToolCallEvent]
    ) {
        if depth == 0 && byte == UInt8(ascii: " ") { return }
        bytes.append(byte)
        if isString {
            let ends = byte == UInt8(ascii: "\"") && !isEscaped
            let escapes = byte == UInt8(ascii: "\\") && !isEscaped
            place = .arguments(depth: depth, isString: !ends, isEscaped: escapes)
            return
        }
        let opens = byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[")
        let closes = byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]")
        let next = depth + (opens ? 1 : closes ? -1 : 0)
        place = .arguments(
            depth: next, isString: byte == UInt8(ascii: "\""), isEscaped: false)
        guard closes && next == 0 else { return }
        tell(&bytes, &events)
        place = .between
    }

    private func tell(
        _ bytes: inout [UInt8], _ events: inout [ToolCallEvent], asText: Bool = false
    ) {
        guard !bytes.isEmpty else { return }
        let text = String(decoding: bytes, as: UTF8.self)
        bytes = []
        if case .arguments = place, !asText {
            events.append(.arguments(text))
        } else {
            events.append(.text(text))
        }
    }
}
