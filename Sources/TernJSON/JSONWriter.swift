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
        var writer = JSONWriter(style: style)
        writer.write(self, level: 0)
        return writer.text
    }
}

private struct JSONWriter {
    let style: JSONStyle
    var text = ""

    init(style: JSONStyle) { self.style = style }

    mutating func write(_ value: JSON, level: Int) {
        switch value {
        case .null: text += "null"
        case .bool(let value): text += value ? "true" : "false"
        case .integer(let value): text += String(value)
        case .number(let value): write(number: value)
        case .string(let value): write(string: value)
        case .array(let elements):
            writeList(elements, "[", "]", level: level) { writer, element in
                writer.write(element, level: level + 1)
            }
        case .object(let object):
            writeList(ordered(object.members), "{", "}", level: level) { writer, member in
                writer.write(string: member.key)
                writer.text += writer.style.keySeparator
                writer.write(member.value, level: level + 1)
            }
        }
    }

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
        text += open
        for (index, element) in elements.enumerated() {
            if index > 0 { text += separatorBeforeLineBreak }
            lineBreak(level: level + 1)
            write(&self, element)
        }
        if !elements.isEmpty { lineBreak(level: level) }
        text += close
    }

    /// An indented list ends its lines without the blank of `", "`, as Python does.
    private var separatorBeforeLineBreak: String {
        style.indent == nil || style.itemSeparator != ", " ? style.itemSeparator : ","
    }

    private mutating func lineBreak(level: Int) {
        guard let indent = style.indent else { return }
        text += "\n" + String(repeating: " ", count: indent * level)
    }

    /// JSON has no infinities: what is not finite becomes null.
    private mutating func write(number: Double) {
        text += number.isFinite ? number.description : "null"
    }

    private mutating func write(string: String) {
        text += "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case "\u{8}": text += "\\b"
            case "\u{C}": text += "\\f"
            default:
                if scalar.value < 0x20 || (style.escapesNonASCII && scalar.value > 0x7E) {
                    for unit in UTF16.encode(scalar) ?? UTF16.encodedReplacementCharacter {
                        let digits = String(unit, radix: 16)
                        text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
                    }
                } else {
                    text.unicodeScalars.append(scalar)
                }
            }
        }
        text += "\""
    }
}
