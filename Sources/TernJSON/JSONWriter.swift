// Writes JSON text, in one line or indented. Text beyond ASCII is written as it is unless asked
// otherwise; numbers are the shortest that read back to the same value.

/// How JSON text is laid out.
public struct JSONStyle: Sendable {
    /// What stands between elements, when not indented.
    public var itemSeparator: String
    /// What stands between a key and its value.
    public var keySeparator: String
    /// Blanks per level; nil writes one line.
    public var indent: Int?
    /// Writes characters beyond ASCII as `\u` escapes.
    public var escapesNonASCII: Bool
    /// Sorts the members of objects by key (by Unicode scalars).
    public var sortsKeys: Bool

    /// Makes a style; the defaults are the most compact form.
    public init(
        itemSeparator: String = ",", keySeparator: String = ":", indent: Int? = nil,
        escapesNonASCII: Bool = false, sortsKeys: Bool = false
    ) {
        self.itemSeparator = itemSeparator
        self.keySeparator = keySeparator
        self.indent = indent
        self.escapesNonASCII = escapesNonASCII
        self.sortsKeys = sortsKeys
    }

    /// No blanks at all.
    public static let compact = JSONStyle()
    /// As Python's `json.dumps` writes by default, but for characters beyond ASCII.
    public static let spaced = JSONStyle(itemSeparator: ", ", keySeparator: ": ")
}

extension JSON {
    /// The value as JSON text.
    public func text(_ style: JSONStyle = .compact) -> String {
        var bytes: [UInt8] = []
        write(style, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Appends the value as JSON text.
    public func write(_ style: JSONStyle = .compact, to bytes: inout [UInt8]) {
        var writer = JSONWriter(style: style, bytes: bytes)
        // One owner, so that appending copies nothing.
        bytes = []
        writer.write(self, level: 0)
        bytes = writer.bytes
    }
}

private struct JSONWriter {
    let style: JSONStyle
    var bytes: [UInt8]

    mutating func write(_ value: JSON, level: Int) {
        switch value {
        case .null: append("null")
        case .bool(let value): append(value ? "true" : "false")
        case .integer(let value): append(String(value))
        case .number(let value): write(number: value)
        case .string(let value): write(string: value)
        case .array(let elements):
            writeList(elements, "[", "]", level: level) { writer, element in
                writer.write(element, level: level + 1)
            }
        case .object(let object):
            writeList(ordered(object.members), "{", "}", level: level) { writer, member in
                writer.write(string: member.key)
                writer.append(writer.style.keySeparator)
                writer.write(member.value, level: level + 1)
            }
        }
    }

    private mutating func append(_ text: String) { bytes.append(contentsOf: text.utf8) }

    private func ordered(_ members: [JSONObject.Member]) -> [JSONObject.Member] {
        guard style.sortsKeys else { return members }
        return members.sorted {
            $0.key.unicodeScalars.lexicographicallyPrecedes($1.key.unicodeScalars)
        }
    }

    private mutating func writeList<Element>(
        _ elements: [Element], _ open: String, _ close: String, level: Int,
        write: (inout JSONWriter, Element) -> Void
    ) {
        append(open)
        for (index, element) in elements.enumerated() {
            if index > 0 { append(separatorBeforeLineBreak) }
            lineBreak(level: level + 1)
            write(&self, element)
        }
        if !elements.isEmpty { lineBreak(level: level) }
        append(close)
    }

    /// An indented list ends its lines without the blank of `", "`, as Python does.
    private var separatorBeforeLineBreak: String {
        style.indent == nil || style.itemSeparator != ", " ? style.itemSeparator : ","
    }

    private mutating func lineBreak(level: Int) {
        guard let indent = style.indent else { return }
        append("\n" + String(repeating: " ", count: indent * level))
    }

    /// JSON has no infinities: what is not finite becomes null.
    private mutating func write(number: Double) {
        append(number.isFinite ? number.description : "null")
    }

    private mutating func write(string: String) {
        append("\"")
        if style.escapesNonASCII {
            for scalar in string.unicodeScalars { write(scalar) }
        } else {
            var string = string
            string.withUTF8 { write(utf8: $0) }
        }
        append("\"")
    }

    /// What needs no escape, which is nearly all, is copied in one piece.
    private mutating func write(utf8: UnsafeBufferPointer<UInt8>) {
        var start = 0
        for (index, byte) in utf8.enumerated()
        where byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
            bytes.append(contentsOf: utf8[start..<index])
            write(UnicodeScalar(byte))
            start = index + 1
        }
        bytes.append(contentsOf: utf8[start...])
    }

    private mutating func write(_ scalar: UnicodeScalar) {
        switch scalar {
        case "\"": append("\\\"")
        case "\\": append("\\\\")
        case "\n": append("\\n")
        case "\r": append("\\r")
        case "\t": append("\\t")
        case "\u{8}": append("\\b")
        case "\u{C}": append("\\f")
        case "\u{20}"..."\u{7E}": append(String(scalar))
        default:
            for unit in UTF16.encode(scalar) ?? UTF16.encodedReplacementCharacter {
                let digits = String(unit, radix: 16)
                append("\\u" + String(repeating: "0", count: 4 - digits.count) + digits)
            }
        }
    }
}
