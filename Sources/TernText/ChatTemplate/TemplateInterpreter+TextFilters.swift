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
        case .truncate:
            return try truncate(value, arguments)
        case .center: return try center(text, arguments)
        case .format: return .string(try applyFormat(text, arguments))
        case .replace:
            let bound = try bind(
                arguments, to: ["old", "new", "count"], required: 2, of: "replace")
            return .string(
                try replace(
                    text, try self.text(of: bound[0] ?? .none),
                    try self.text(of: bound[1] ?? .none), count: try integer(bound[2], "count")))
        case .trim:
            let bound = try bind(arguments, to: ["chars"], of: "trim")
            if case .some(.none) = bound[0] { return .string(text.stripped()) }
            return .string(text.stripped(of: try string(bound[0], "chars")))
        default:
            _ = try bind(arguments, to: [], of: filter.rawValue)
            return .string(try plain(filter, text))
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
            return text.mapped { _, scalar in
                switch scalar {
                case "&": "&amp;"
                case "<": "&lt;"
                case ">": "&gt;"
                case "'": "&#39;"
                case "\"": "&#34;"
                default: String(scalar)
                }
            }
        default: return text
        }
    }

    /// Upper case at the start and after blanks, hyphens and opening brackets: jinja2's own idea
    /// of a title, not Python's.
    private func title(_ text: TemplateString) -> TemplateString {
        func isBreak(_ scalar: Unicode.Scalar) -> Bool {
            scalar.isPythonSpace || "-({[<".unicodeScalars.contains(scalar)
        }
        let lower = text.lowercased
        guard lower.count == text.count else {
            // A scalar that changes its length in lower case: go word by word.
            return words(text, isBreak).reduce(into: TemplateString([])) {
                $0 +=
                    $1[0..<min(1, $1.count)].uppercased + $1[min(1, $1.count)..<$1.count].lowercased
            }
        }
        return text.mapped { index, scalar in
            let isFirst = index == 0 || isBreak(text.scalars[index - 1].scalar)
            return isFirst
                ? scalar.properties.uppercaseMapping : String(lower.scalars[index].scalar)
        }
    }

    /// A text cut where breaks meet words.
    private func words(
        _ text: TemplateString, _ isBreak: (Unicode.Scalar) -> Bool
    ) -> [TemplateString] {
        var words: [TemplateString] = []
        var start = 0
        for end in 1...max(1, text.count) where end <= text.count {
            let changes =
                end == text.count
                || isBreak(text.scalars[end].scalar) != isBreak(text.scalars[end - 1].scalar)
            if changes {
                words.append(text[start..<end])
                start = end
            }
        }
        return words
    }

    private func center(
        _ text: TemplateString, _ arguments: TemplateCallArguments
    ) throws(ChatTemplateError) -> TemplateValue {
        let bound = try bind(arguments, to: ["width"], of: "center")
        let width = TemplateCallArguments(positional: [bound[0] ?? .integer(80)])
        return try call("center", on: text, width)
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

    private func truncate(
        _ value: TemplateValue, _ arguments: TemplateCallArguments
    ) throws(ChatTemplateError) -> TemplateValue {
        let bound = try bind(
            arguments, to: ["length", "killwords", "end", "leeway"], of: "truncate")
        let length = try integer(bound[0], "length") ?? 255
        let end = try string(bound[2], "end") ?? "..."
        let leeway = try integer(bound[3], "leeway") ?? 5
        guard length >= end.count, leeway >= 0 else {
            throw failure("truncate: length \(length) is less than that of '\(end.text)'")
        }
        if try self.length(of: value) - leeway <= length { return value }
        guard case .string(let text) = value else {
            throw failure("truncate: a \(value.typeName) is no text; a string is expected")
        }
        let kept = text[0..<length - end.count]
        if try flag(bound[1]) { return .string(kept + end) }
        let cut = kept.lastOccurrence(of: " ") ?? kept.count
        return .string(kept[0..<cut] + end)
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

    private func applyFormat(
        _ text: TemplateString, _ arguments: TemplateCallArguments
    ) throws(ChatTemplateError) -> TemplateString {
        if arguments.keywords.isEmpty {
            return try formatted(text, with: .tuple(arguments.positional))
        }
        guard arguments.positional.isEmpty else {
            throw failure("format takes arguments by position or by name, not both")
        }
        let pairs = arguments.keywords.map { (TemplateValue.text($0.name), $0.value) }
        return try formatted(text, with: .dictionary(try dictionary(pairs)))
    }
}

extension TemplateValue {
    var isNone: Bool { if case .none = self { true } else { false } }
}
