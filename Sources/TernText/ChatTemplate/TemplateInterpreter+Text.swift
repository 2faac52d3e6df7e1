// How values print: Python's `str` and `repr`, and the JSON that `tojson` writes, which is what
// `json.dumps` writes. Text that is made of a value holding any of a caller's text counts as the
// caller's as a whole, brackets and quotes included.

/// How `tojson` lays out JSON.
struct TemplateJSONStyle {
    var escapesNonASCII = false
    var sortsKeys = false
    var indent: TemplateString?
    var itemSeparator: TemplateString = ", "
    var keySeparator: TemplateString = ": "
}

extension TemplateInterpreter {
    /// `str(value)`.
    func text(of value: TemplateValue) throws(ChatTemplateError) -> TemplateString {
        switch value {
        case .string(let text): return text
        case .undefined: return TemplateString([])
        default: return try repr(of: value)
        }
    }

    /// `repr(value)`.
    func repr(of value: TemplateValue) throws(ChatTemplateError) -> TemplateString {
        var text = TemplateString([])
        try writeRepr(of: value, to: &text)
        if text.hasLiteral { text.markLiteral() }
        return text
    }

    private func writeRepr(
        of value: TemplateValue, to text: inout TemplateString
    ) throws(ChatTemplateError) {
        try enter()
        defer { leave() }
        try pay(making: 8)
        switch value {
        case .undefined: text += "Undefined"
        case .none: text += "None"
        case .boolean(let value): text += value ? "True" : "False"
        case .integer(let value): text += TemplateString(String(value))
        case .float(let value): text += TemplateString(value.description)
        case .string(let string):
            try pay(making: string.count)
            text += quoted(string)
        case .list(let list): try writeRepr(list.elements, "[", "]", to: &text)
        case .tuple(let list):
            try writeRepr(list.elements, "(", list.elements.count == 1 ? ",)" : ")", to: &text)
        case .dictionary(let dictionary):
            try writeRepr(pairs: dictionary.entries, to: &text)
        case .range(let range):
            let step = range.step == 1 ? "" : ", \(range.step)"
            text += TemplateString("range(\(range.start), \(range.stop)\(step))")
        case .view(let kind, let list):
            text += TemplateString("\(kind.rawValue)(")
            try writeRepr(list.elements, "[", "])", to: &text)
        case .namespace(let namespace):
            text += "<Namespace "
            let pairs = namespace.names.map {
                (key: TemplateValue.string($0), value: namespace[$0] ?? .none)
            }
            try writeRepr(pairs: pairs, to: &text)
            text += ">"
        case .macro(let closure): text += TemplateString("<Macro '\(closure.macro.name)'>")
        case .loop(let state):
            text += TemplateString("<LoopContext \(state.index0 + 1)/\(try length(of: state))>")
        case .iterator, .function, .method: text += TemplateString("<\(value.typeName)>")
        }
    }

    private func writeRepr(
        _ elements: [TemplateValue], _ open: TemplateString, _ close: TemplateString,
        to text: inout TemplateString
    ) throws(ChatTemplateError) {
        text += open
        for (index, element) in elements.enumerated() {
            if index > 0 { text += ", " }
            try writeRepr(of: element, to: &text)
        }
        text += close
    }

    private func writeRepr(
        pairs: [(key: TemplateValue, value: TemplateValue)], to text: inout TemplateString
    ) throws(ChatTemplateError) {
        text += "{"
        for (index, pair) in pairs.enumerated() {
            if index > 0 { text += ", " }
            try writeRepr(of: pair.key, to: &text)
            text += ": "
            try writeRepr(of: pair.value, to: &text)
        }
        text += "}"
    }

    /// A string between quotes, escaped as Python does.
    private func quoted(_ string: TemplateString) -> TemplateString {
        let hasSingle = string.scalars.contains { $0.scalar == "'" }
        let hasDouble = string.scalars.contains { $0.scalar == "\"" }
        let quote: Unicode.Scalar = hasSingle && !hasDouble ? "\"" : "'"
        let body = string.mapped { _, scalar in
            switch scalar {
            case "\\": return "\\\\"
            case "\n": return "\\n"
            case "\r": return "\\r"
            case "\t": return "\\t"
            case quote: return "\\" + String(quote)
            default:
                if scalar.isPythonPrintable { return nil }
                switch scalar.value {
                case ..<0x100: return "\\x" + hexadecimal(scalar.value, 2)
                case ..<0x10000: return "\\u" + hexadecimal(scalar.value, 4)
                default: return "\\U" + hexadecimal(scalar.value, 8)
                }
            }
        }
        let mark = TemplateString(String(quote))
        return mark + body + mark
    }
}

/// A number in hexadecimal, with zeros in front.
private func hexadecimal(_ value: UInt32, _ width: Int) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
}

extension Unicode.Scalar {
    /// Whether Python's `str.isprintable` holds.
    var isPythonPrintable: Bool {
        switch properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator,
            .paragraphSeparator:
            false
        case .spaceSeparator: self == " "
        default: true
        }
    }
}

extension TemplateInterpreter {
    /// `json.dumps(value)`.
    func json(
        of value: TemplateValue, _ style: TemplateJSONStyle
    ) throws(ChatTemplateError) -> TemplateString {
        var text = TemplateString([])
        try writeJSON(value, style, level: 0, to: &text)
        if text.hasLiteral { text.markLiteral() }
        return text
    }

    private func writeJSON(
        _ value: TemplateValue, _ style: TemplateJSONStyle, level: Int,
        to text: inout TemplateString
    ) throws(ChatTemplateError) {
        try enter()
        defer { leave() }
        try pay(making: 8)
        switch value {
        case .none: text += "null"
        case .boolean(let value): text += value ? "true" : "false"
        case .integer(let value): text += TemplateString(String(value))
        case .float(let value): text += TemplateString(json(number: value))
        case .string(let string):
            try pay(making: string.count)
            text += json(string: string, style)
        case .list(let list), .tuple(let list):
            text += "["
            for (index, element) in list.elements.enumerated() {
                try separate(style, isFirst: index == 0, level: level + 1, to: &text)
                try writeJSON(element, style, level: level + 1, to: &text)
            }
            if !list.elements.isEmpty { try breakLine(style, level: level, to: &text) }
            text += "]"
        case .dictionary(let dictionary):
            try writeJSON(dictionary, style, level: level, to: &text)
        default:
            if case .undefined(let reason) = value {
                throw failure("tojson: \(reason); give it a value, or a default")
            }
            throw failure("tojson: a \(value.typeName) is not JSON; make a list or a text of it")
        }
    }

    private func writeJSON(
        _ dictionary: TemplateDictionary, _ style: TemplateJSONStyle, level: Int,
        to text: inout TemplateString
    ) throws(ChatTemplateError) {
        var entries = dictionary.entries
        if style.sortsKeys {
            let order = try sorted(
                entries.indices.map { (entries[$0].key, .integer($0)) }, descending: false)
            entries = order.compactMap { $0.integer.map { entries[$0] } }
        }
        text += "{"
        for (index, entry) in entries.enumerated() {
            try separate(style, isFirst: index == 0, level: level + 1, to: &text)
            text += try json(key: entry.key, style)
            text += style.keySeparator
            try writeJSON(entry.value, style, level: level + 1, to: &text)
        }
        if !entries.isEmpty { try breakLine(style, level: level, to: &text) }
        text += "}"
    }

    private func separate(
        _ style: TemplateJSONStyle, isFirst: Bool, level: Int, to text: inout TemplateString
    ) throws(ChatTemplateError) {
        if !isFirst { text += style.itemSeparator }
        try breakLine(style, level: level, to: &text)
    }

    private func breakLine(
        _ style: TemplateJSONStyle, level: Int, to text: inout TemplateString
    ) throws(ChatTemplateError) {
        guard let indent = style.indent else { return }
        try pay(making: 1 + indent.count * level)
        text += "\n"
        for _ in 0..<level { text += indent }
    }

    private func json(
        key: TemplateValue, _ style: TemplateJSONStyle
    ) throws(ChatTemplateError) -> TemplateString {
        switch key {
        case .string(let string):
            try pay(making: string.count)
            return json(string: string, style)
        case .none: return "\"null\""
        case .boolean(let value): return value ? "\"true\"" : "\"false\""
        case .integer(let value): return TemplateString("\"\(value)\"")
        case .float(let value): return TemplateString("\"" + json(number: value) + "\"")
        default: throw failure("tojson: a \(key.typeName) cannot be a key; a string can")
        }
    }

    private func json(number: Double) -> String {
        if number.isNaN { return "NaN" }
        if number.isInfinite { return number < 0 ? "-Infinity" : "Infinity" }
        return number.description
    }

    private func json(string: TemplateString, _ style: TemplateJSONStyle) -> TemplateString {
        let body = string.mapped { _, scalar in
            switch scalar {
            case "\"": return "\\\""
            case "\\": return "\\\\"
            case "\n": return "\\n"
            case "\r": return "\\r"
            case "\t": return "\\t"
            case "\u{8}": return "\\b"
            case "\u{C}": return "\\f"
            default:
                let isPlain =
                    scalar.value >= 0x20 && (scalar.value < 0x7F || !style.escapesNonASCII)
                if isPlain { return nil }
                return UTF16.encode(scalar).map { units in
                    units.map { "\\u" + hexadecimal(UInt32($0), 4) }.joined()
                } ?? String(scalar)
            }
        }
        return "\"" + body + "\""
    }
}
