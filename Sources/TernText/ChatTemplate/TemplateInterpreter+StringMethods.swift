// The methods of Python's `str` that templates call. Each pays for the text it reads before it
// reads it; what they do to text is in TemplateString+Methods.

extension TemplateInterpreter {
    func call(
        _ name: String, on text: TemplateString, _ arguments: TemplateCallArguments
    ) throws(ChatTemplateError) -> TemplateValue {
        try pay(making: text.count)
        switch name {
        case "strip", "lstrip", "rstrip": return try strip(name, text, arguments)
        case "split", "rsplit", "splitlines": return try split(name, text, arguments)
        case "partition", "rpartition": return try partition(name, text, arguments)
        case "startswith", "endswith": return try affix(name, text, arguments)
        case "removeprefix", "removesuffix": return try removeAffix(name, text, arguments)
        case "find", "rfind", "index", "rindex", "count": return try search(name, text, arguments)
        case "replace":
            let bound = try bind(arguments, to: ["old", "new", "count"], required: 2, of: name)
            return .string(
                try replace(
                    text, try string(bound[0], "old"), try string(bound[1], "new"),
                    count: try integer(bound[2], "count")))
        case "join":
            let bound = try bind(arguments, to: ["iterable"], required: 1, of: name)
            var parts: [TemplateString] = []
            for element in try elements(of: bound[0] ?? .none) {
                parts.append(try string(element, "element to join") ?? text)
            }
            return .string(try join(parts, with: text))
        case "format": return .string(try format(text, arguments))
        default:
            _ = try bind(arguments, to: [], of: name)
            return property(name, of: text) ?? .string(cased(name, text))
        }
    }

    private func cased(_ name: String, _ text: TemplateString) -> TemplateString {
        switch name {
        case "upper": text.uppercased
        case "lower": text.lowercased
        case "title": text.titlecased
        case "capitalize": text.capitalized
        default: preconditionFailure("'\(name)' is listed as a method and not written")
        }
    }

    /// What the methods that start with `is` say.
    private func property(_ name: String, of text: TemplateString) -> TemplateValue? {
        func all(_ holds: (Unicode.Scalar) -> Bool) -> TemplateValue {
            .boolean(!text.isEmpty && text.scalars.allSatisfy { holds($0.scalar) })
        }
        switch name {
        case "isspace": return all(\.isPythonSpace)
        case "isdecimal": return all { $0.properties.numericType == .decimal }
        case "isdigit": return all(\.isPythonDigit)
        case "isnumeric": return all { $0.properties.numericType != nil }
        case "isalpha": return all(\.isPythonLetter)
        case "isalnum": return all { $0.isPythonLetter || $0.properties.numericType != nil }
        case "isascii": return .boolean(text.scalars.allSatisfy { $0.value < 128 })
        case "islower": return .boolean(text.isLowercase)
        case "isupper": return .boolean(text.isUppercase)
        default: return nil
        }
    }

    private func strip(
        _ name: String, _ text: TemplateString, _ arguments: TemplateCallArguments
    ) throws(ChatTemplateError) -> TemplateValue {
        let bound = try bind(arguments, to: ["chars"], of: name)
        let ends: TextEnds = name == "strip" ? .both : name == "lstrip" ? .leading : .trailing
        if case .some(.none) = bound[0] { return .string(text.stripped(ends)) }
        return .string(text.stripped(ends, of: try string(bound[0], "chars")))
    }

    private func split(
        _ name: String, _ text: TemplateString, _ arguments: TemplateCallArguments
    ) throws(ChatTemplateError) -> TemplateValue {
        try pay(elements: text.count)
        if name == "splitlines" {
            let bound = try bind(arguments, to: ["keepends"], of: name)
            let lines = text.lines(keepingEnds: try flag(bound[0]))
            return .list(lines.map { .string($0) })
        }
        let bound = try bind(arguments, to: ["sep", "maxsplit"], of: name)
        let limit = try integer(bound[1], "maxsplit") ?? -1
        let separator: TemplateString?
        if case .some(.none) = bound[0] {
            separator = nil
        } else {
            separator = try string(bound[0], "sep")
        }
        if let separator, separator.isEmpty { throw failure("split: the separator is empty") }
        let isReversed = name == "rsplit"
        let subject = isReversed ? text.reversed : text
        let cuts = limit < 0 ? Int.max : limit
        let parts =
            separator.map { subject.split(by: isReversed ? $0.reversed : $0, limit: cuts) }
            ?? subject.words(limit: cuts)
        let ordered = isReversed ? parts.reversed().map(\.reversed) : parts
        return .list(ordered.map { .string($0) })
    }

    private func partition(
        _ name: String, _ text: TemplateString, _ arguments: TemplateCallArguments
    ) throws(ChatTemplateError) -> TemplateValue {
        let bound = try bind(arguments, to: ["sep"], required: 1, of: name)
        let separator = try string(bound[0], "sep") ?? TemplateString([])
        guard !separator.isEmpty else { throw failure("\(name): the separator is empty") }
        let isReversed = name == "rpartition"
        let empty = TemplateString([])
        let place =
            isReversed
            ? text.lastOccurrence(of: separator)
            : text.occurrences(of: separator, limit: 1).first
        guard let place else {
            return .tuple(
                (isReversed ? [empty, empty, text] : [text, empty, empty]).map { .string($0) })
        }
        let end = place + separator.count
        let parts = [text[0..<place], text[place..<end], text[end..<text.count]]
        return .tuple(parts.map { .string($0) })
    }

    private func affix(
        _ name: String, _ text: TemplateString, _ arguments: TemplateCallArguments
    ) throws(ChatTemplateError) -> TemplateValue {
        let bound = try bind(arguments, to: ["affix", "start", "end"], required: 1, of: name)
        let (_, part) = try slice(text, bound[1], bound[2])
        let isPrefix = name == "startswith"
        var candidates = [bound[0] ?? .none]
        if case .some(.tuple(let list)) = bound[0] { candidates = list.elements }
        for candidate in candidates {
            let affix = try string(candidate, "affix") ?? text
            try pay(scanning: affix.count)
            if isPrefix ? part.hasPrefix(affix) : part.hasSuffix(affix) { return .boolean(true) }
        }
        return .boolean(false)
    }

    private func removeAffix(
        _ name: String, _ text: TemplateString, _ arguments: TemplateCallArguments
    ) throws(ChatTemplateError) -> TemplateValue {
        let bound = try bind(arguments, to: ["affix"], required: 1, of: name)
        let affix = try string(bound[0], "affix") ?? TemplateString([])
        if name == "removeprefix", text.hasPrefix(affix) {
            return .string(text[affix.count..<text.count])
        }
        if name == "removesuffix", text.hasSuffix(affix) {
            return .string(text[0..<text.count - affix.count])
        }
        return .string(text)
    }

    private func search(
        _ name: String, _ text: TemplateString, _ arguments: TemplateCallArguments
    ) throws(ChatTemplateError) -> TemplateValue {
        let bound = try bind(arguments, to: ["sub", "start", "end"], required: 1, of: name)
        let sought = try string(bound[0], "sub") ?? TemplateString([])
        let (offset, part) = try slice(text, bound[1], bound[2])
        try pay(scanning: text.count + sought.count)
        if name == "count" { return .integer(part.occurrences(of: sought).count) }
        let place =
            name.hasPrefix("r")
            ? part.lastOccurrence(of: sought) : part.occurrences(of: sought, limit: 1).first
        if let place { return .integer(offset + place) }
        guard name.hasSuffix("find") else {
            throw failure("\(name): the text sought is not there; use find")
        }
        return .integer(-1)
    }

    /// The part of a text between two optional bounds, and where it starts.
    private func slice(
        _ text: TemplateString, _ start: TemplateValue?, _ end: TemplateValue?
    ) throws(ChatTemplateError) -> (offset: Int, text: TemplateString) {
        func place(_ value: TemplateValue?, _ other: Int) throws(ChatTemplateError) -> Int {
            if case .some(.none) = value { return other }
            guard let index = try integer(value, "bound") else { return other }
            return max(0, min(text.count, index < 0 ? index + text.count : index))
        }
        let start = try place(start, 0)
        let end = try place(end, text.count)
        return (start, start < end ? text[start..<end] : TemplateString([]))
    }
}

extension TemplateInterpreter {
    func replace(
        _ text: TemplateString, _ old: TemplateString?, _ new: TemplateString?, count: Int?
    ) throws(ChatTemplateError) -> TemplateString {
        let old = old ?? TemplateString([])
        let new = new ?? TemplateString([])
        let limit = count.map { $0 < 0 ? Int.max : $0 } ?? .max
        try pay(scanning: text.count)
        let places = text.occurrences(of: old, limit: limit)
        let (growth, overflow) = places.count.multipliedReportingOverflow(by: new.count)
        try pay(making: overflow ? .max : growth)
        try pay(making: text.count)
        return text.replacing(old, with: new, limit: limit)
    }

    func join(
        _ parts: [TemplateString], with separator: TemplateString
    ) throws(ChatTemplateError) -> TemplateString {
        var result = TemplateString([])
        for (index, part) in parts.enumerated() {
            try pay(making: part.count + separator.count)
            if index > 0 { result += separator }
            result += part
        }
        return result
    }
}

extension Unicode.Scalar {
    /// Whether `str.isalpha` holds.
    var isPythonLetter: Bool {
        switch properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
            true
        default: false
        }
    }

    /// Whether `str.isdigit` holds.
    var isPythonDigit: Bool {
        properties.numericType == .decimal || properties.numericType == .digit
    }
}

extension TemplateString {
    /// Whether `str.islower` holds.
    var isLowercase: Bool {
        let cased = scalars.filter(\.scalar.isCased)
        return !cased.isEmpty && cased.allSatisfy(\.scalar.properties.isLowercase)
    }

    /// Whether `str.isupper` holds.
    var isUppercase: Bool {
        let cased = scalars.filter(\.scalar.isCased)
        return !cased.isEmpty && cased.allSatisfy(\.scalar.properties.isUppercase)
    }
}
