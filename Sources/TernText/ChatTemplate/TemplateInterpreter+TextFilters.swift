// Filters that make text. Most first print what they are given, as Python's `str` does. Checked
// against jinja2 3.1, filters.py; `tojson` is the one transformers puts in its place.

extension TemplateInterpreter {
    func applyText(
        _ filter: TemplateFilter, to value: TemplateValue, _ arguments: TemplateCallArguments
    ) throws(ChatTemplateError) -> TemplateValue {
        if filter == .tojson { return .string(try json(of: value, style(arguments))) }
        let text = try text(of: value)
        try pay(making: text.count)
        switch filter {
        case .indent: return .string(try indent(value, arguments))
        case .replace:
            let bound = try bind(
                arguments, to: ["old", "new", "count"], required: 2, of: "replace")
            return .string(
                try replace(
                    text, try self.text(of: bound[0] ?? .none),
                    try self.text(of: bound[1] ?? .none), count: try integer(bound[2], "count")))
        case .trim:
            let bound = try bind(arguments, to: ["chars"], of: "trim")
            if case .some(.none) = bound[0] { return .string(text.stripped()).asMarkup(like: text) }
            return .string(text.stripped(of: try string(bound[0], "chars"))).asMarkup(like: text)
        default:
            _ = try bind(arguments, to: [], of: filter.rawValue)
            return .string(try plain(filter, text)).asMarkup(like: text)
        }
    }

    /// The filters that take no arguments.
    private func plain(
        _ filter: TemplateFilter, _ text: TemplateString
    ) throws(ChatTemplateError) -> TemplateString {
        switch filter {
        case .upper: return text.uppercased
        case .lower: return text.lowercased
        case .capitalize: return text.capitalized
        case .title: return title(text)
        case .escape:
            try pay(making: 4 * text.count)
            return text.escaped
        case .safe: return text.asMarkup
        default: return text
        }
    }

    /// Upper case after blanks, hyphens and opening brackets: jinja2's own idea of a title, not
    /// Python's.
    private func title(_ text: TemplateString) -> TemplateString {
        var result = TemplateString([])
        var word = TemplateString([])
        func finish() {
            result += word[0..<min(1, word.count)].uppercased
            result += word[min(1, word.count)..<word.count].lowercased
            word.scalars.removeAll()
        }
        for scalar in text.scalars {
            let isBreak =
                scalar.scalar.isPythonSpace || "-({[<".unicodeScalars.contains(scalar.scalar)
            if isBreak { finish() }
            word.scalars.append(scalar)
            if isBreak { finish() }
        }
        finish()
        return result
    }

    private func indent(
        _ value: TemplateValue, _ arguments: TemplateCallArguments
    ) throws(ChatTemplateError) -> TemplateString {
        let bound = try bind(arguments, to: ["width", "first", "blank"], of: "indent")
        guard case .string(let text) = value else {
            throw failure("indent: a \(value.typeName) has no lines; a string is expected")
        }
        let indent = try blanks(bound[0] ?? .integer(4), "width")
        let withFirst = try flag(bound[1])
        let withBlank = try flag(bound[2])
        let lines = (text + "\n").lines()
        var result = TemplateString([])
        for (index, line) in lines.enumerated() {
            try pay(making: indent.count + line.count + 1)
            if index > 0 { result += "\n" }
            let isIndented = index == 0 ? withFirst : withBlank || !line.isEmpty
            if isIndented { result += indent }
            result += line
        }
        return result
    }

    /// An indentation, given as a text or as a count of blanks.
    private func blanks(
        _ value: TemplateValue, _ name: String
    ) throws(ChatTemplateError) -> TemplateString {
        if case .string(let text) = value { return text }
        let count = max(0, try integer(value, name) ?? 0)
        try pay(making: count)
        return TemplateString(repeatElement(MarkedScalar(" ", literal: false), count: count))
    }

    private func style(
        _ arguments: TemplateCallArguments
    ) throws(ChatTemplateError) -> TemplateJSONStyle {
        let bound = try bind(
            arguments, to: ["ensure_ascii", "indent", "separators", "sort_keys"], of: "tojson")
        var style = TemplateJSONStyle()
        style.escapesNonASCII = try flag(bound[0])
        style.sortsKeys = try flag(bound[3])
        if let indent = bound[1], !indent.isNone {
            style.indent = try blanks(indent, "indent")
            style.itemSeparator = ","
        }
        if let separators = bound[2], !separators.isNone {
            let pair = try elements(of: separators)
            guard pair.count == 2, case .string(let item) = pair[0], case .string(let key) = pair[1]
            else { throw failure("tojson: 'separators' must be two strings") }
            style.itemSeparator = item
            style.keySeparator = key
        }
        return style
    }
}

extension TemplateValue {
    var isNone: Bool { if case .none = self { true } else { false } }

    /// What was made of a text: markup if that was.
    func asMarkup(like text: TemplateString) -> TemplateValue {
        guard text.isMarkup else { return self }
        switch self {
        case .string(let part): return .string(part.asMarkup)
        case .list(let list): return .list(list.elements.map { $0.asMarkup(like: text) })
        case .tuple(let list): return .tuple(list.elements.map { $0.asMarkup(like: text) })
        default: return self
        }
    }
}
