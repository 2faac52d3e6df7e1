// What Python's string methods do to text, written on scalars: stripping, searching, splitting,
// replacing and the mappings of case. Searching is linear whatever the text (Knuth, Morris and
// Pratt), for the text may be chosen to hurt. Budgets are the interpreter's affair, not this
// file's. Checked against CPython 3.11, Objects/unicodeobject.c.

extension Unicode.Scalar {
    /// Whether Python's `str.isspace` and the `\s` of its regular expressions hold.
    var isPythonSpace: Bool {
        switch value {
        case 0x09...0x0D, 0x1C...0x20, 0x85, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029,
            0x202F, 0x205F, 0x3000:
            true
        default: false
        }
    }

    /// Whether `str.splitlines` ends a line here.
    var isPythonLineBreak: Bool {
        switch value {
        case 0x0A...0x0D, 0x1C...0x1E, 0x85, 0x2028, 0x2029: true
        default: false
        }
    }

    /// Whether upper and lower case mean something here.
    var isCased: Bool {
        properties.isUppercase || properties.isLowercase
            || properties.generalCategory == .titlecaseLetter
    }
}

/// The ends of a text.
struct TextEnds: OptionSet {
    let rawValue: Int
    static let leading = TextEnds(rawValue: 1)
    static let trailing = TextEnds(rawValue: 2)
    static let both: TextEnds = [.leading, .trailing]
}

extension TemplateString {
    /// The text without the given scalars (or blanks) at its ends.
    func stripped(_ ends: TextEnds = .both, of set: TemplateString? = nil) -> TemplateString {
        let values = set.map { Set($0.scalars.map(\.value)) }
        func isStripped(_ scalar: MarkedScalar) -> Bool {
            values.map { $0.contains(scalar.value) } ?? scalar.scalar.isPythonSpace
        }
        var range = 0..<count
        while ends.contains(.leading), let first = range.first, isStripped(scalars[first]) {
            range.removeFirst()
        }
        while ends.contains(.trailing), let last = range.last, isStripped(scalars[last]) {
            range.removeLast()
        }
        return self[range]
    }

    func hasPrefix(_ prefix: TemplateString) -> Bool {
        count >= prefix.count && self[0..<prefix.count] == prefix
    }

    func hasSuffix(_ suffix: TemplateString) -> Bool {
        count >= suffix.count && self[count - suffix.count..<count] == suffix
    }

    /// Where a text occurs, from the left and without overlaps, at most `limit` times. An empty
    /// text occurs before every scalar and at the end.
    func occurrences(of text: TemplateString, limit: Int = .max) -> [Int] {
        if text.isEmpty { return Array((0...count).prefix(limit)) }
        let pattern = text.scalars.map(\.value)
        let borders = Self.borders(of: pattern)
        var places: [Int] = []
        var matched = 0
        for (index, scalar) in scalars.enumerated() where places.count < limit {
            while matched > 0, pattern[matched] != scalar.value { matched = borders[matched - 1] }
            if pattern[matched] == scalar.value { matched += 1 }
            if matched == pattern.count {
                places.append(index + 1 - pattern.count)
                matched = 0
            }
        }
        return places
    }

    /// For each prefix of a pattern, the length of its longest proper border.
    private static func borders(of pattern: [UInt32]) -> [Int] {
        var borders = [Int](repeating: 0, count: pattern.count)
        var length = 0
        for index in pattern.indices.dropFirst() {
            while length > 0, pattern[index] != pattern[length] { length = borders[length - 1] }
            if pattern[index] == pattern[length] { length += 1 }
            borders[index] = length
        }
        return borders
    }

    /// The text read backwards.
    var reversed: TemplateString { TemplateString(scalars.reversed()) }

    /// The last place where a text occurs.
    func lastOccurrence(of text: TemplateString) -> Int? {
        reversed.occurrences(of: text.reversed, limit: 1).first.map { count - text.count - $0 }
    }

    func replacing(_ old: TemplateString, with new: TemplateString, limit: Int) -> TemplateString {
        var result: [MarkedScalar] = []
        var position = 0
        for place in occurrences(of: old, limit: limit) {
            result += scalars[position..<place]
            result += new.scalars
            position = place + old.count
        }
        result += scalars[position...]
        return TemplateString(result)
    }

    /// The parts between occurrences of a separator.
    func split(by separator: TemplateString, limit: Int) -> [TemplateString] {
        var parts: [TemplateString] = []
        var position = 0
        for place in occurrences(of: separator, limit: limit) {
            parts.append(self[position..<place])
            position = place + separator.count
        }
        return parts + [self[position..<count]]
    }

    /// The words between blanks; what is left after `limit` cuts is the last of them.
    func words(limit: Int) -> [TemplateString] {
        var parts: [TemplateString] = []
        var position = 0
        func skip(while isSpace: Bool) {
            while position < count, scalars[position].scalar.isPythonSpace == isSpace {
                position += 1
            }
        }
        skip(while: true)
        while position < count {
            let start = position
            if parts.count == limit {
                return parts + [self[start..<count]]
            }
            skip(while: false)
            parts.append(self[start..<position])
            skip(while: true)
        }
        return parts
    }

    /// The lines, without what ends them unless asked for.
    func lines(keepingEnds: Bool = false) -> [TemplateString] {
        var lines: [TemplateString] = []
        var start = 0
        var position = 0
        while position < count {
            guard scalars[position].scalar.isPythonLineBreak else {
                position += 1
                continue
            }
            let end = position
            position += 1
            if scalars[end].value == 0x0D, position < count, scalars[position].value == 0x0A {
                position += 1
            }
            lines.append(self[start..<(keepingEnds ? position : end)])
            start = position
        }
        if start < count { lines.append(self[start..<count]) }
        return lines
    }
}

extension TemplateString {
    /// Every scalar replaced by a text that inherits its mark; nil leaves the scalar.
    func mapped(_ transform: (Int, Unicode.Scalar) -> String?) -> TemplateString {
        var result: [MarkedScalar] = []
        result.reserveCapacity(count)
        for (index, scalar) in scalars.enumerated() {
            guard let text = transform(index, scalar.scalar) else {
                result.append(scalar)
                continue
            }
            for new in text.unicodeScalars {
                result.append(MarkedScalar(new, literal: scalar.isLiteral))
            }
        }
        return TemplateString(result)
    }

    /// HTML's special characters as entities, in what is not markup yet.
    var escaped: TemplateString {
        if isMarkup { return self }
        return mapped { _, scalar in
            switch scalar {
            case "&": "&amp;"
            case "<": "&lt;"
            case ">": "&gt;"
            case "'": "&#39;"
            case "\"": "&#34;"
            default: nil
            }
        }.asMarkup
    }

    var uppercased: TemplateString { mapped { $1.properties.uppercaseMapping } }

    var lowercased: TemplateString { mapped { lowercase(at: $0, $1) } }

    /// The first scalar in title case, the others in lower case.
    var capitalized: TemplateString {
        mapped { $0 == 0 ? $1.properties.titlecaseMapping : lowercase(at: $0, $1) }
    }

    /// Title case after every scalar that has no case, as `str.title`.
    var titlecased: TemplateString {
        mapped {
            $0 > 0 && scalars[$0 - 1].scalar.isCased
                ? lowercase(at: $0, $1) : $1.properties.titlecaseMapping
        }
    }

    /// Lower case; a capital sigma that ends a word becomes the final form.
    private func lowercase(at index: Int, _ scalar: Unicode.Scalar) -> String {
        guard scalar == "\u{3A3}" else { return scalar.properties.lowercaseMapping }
        func isCased(_ neighbours: some Sequence<MarkedScalar>) -> Bool {
            neighbours.first { !$0.scalar.properties.isCaseIgnorable }?.scalar.isCased ?? false
        }
        let isFinal = isCased(scalars[..<index].reversed()) && !isCased(scalars[(index + 1)...])
        return isFinal ? "\u{3C2}" : "\u{3C3}"
    }
}
