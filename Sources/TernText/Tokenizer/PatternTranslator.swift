// Rewrites a pattern of tokenizer.json, written for Oniguruma, for PCRE2 (station 2 of the walk).
// The two read the same text differently in places; what this file does not know to mean the same,
// or to have an exact rewriting, it refuses. It compiles and matches nothing.

/// A translation of one pattern from Oniguruma's Ruby syntax to PCRE2's.
///
/// Rewritten are: white space (PCRE2 counts U+180E), properties (of scripts, and of characters
/// younger than PCRE2's tables), `\v`, `\uHHHH`, `{,n}`, and `{n,m}+`, which repeats in one syntax
/// and is possessive in the other. Refused are set operations in classes (`&&`, nested `[`), which
/// PCRE2 misreads in silence, and what can make matching slow or unlike: back references,
/// recursion, verbs, options, `\w`, `\b`, `\h`.
///
/// Source: Oniguruma's doc/RE, pcre2pattern(3); checked against `tokenizers`.
struct PatternTranslator {
    private struct Group {
        var start: Int
        var ignoresCase: Bool
    }

    private let source: [Unicode.Scalar]
    private var position = 0
    private var output: [UInt8] = []
    private var atomStart: Int?
    private var groups: [Group] = []
    private var previousLetter: Unicode.Scalar?

    private init(_ pattern: String) { source = Array(pattern.unicodeScalars) }

    /// The pattern as PCRE2 reads it.
    static func translate(_ pattern: String) throws(PatternProblem) -> [UInt8] {
        var translator = PatternTranslator(pattern)
        while translator.position < translator.source.count { try translator.translateNext() }
        return translator.output
    }

    /// A pattern that matches a text as it stands.
    static func escape(_ text: String) -> [UInt8] {
        var output: [UInt8] = []
        for byte in text.utf8 {
            if byte < 0x80, !isAlphanumeric(Unicode.Scalar(byte)) {
                output.append(UInt8(ascii: "\\"))
            }
            output.append(byte)
        }
        return output
    }

    private mutating func translateNext() throws(PatternProblem) {
        let scalar = source[position]
        let letter = previousLetter
        previousLetter = nil
        switch scalar {
        case "\\":
            atomStart = output.count
            try translateEscape(inClass: false)
        case "[":
            atomStart = output.count
            try translateClass()
        case "(": try openGroup()
        case ")":
            copy()
            atomStart = groups.popLast()?.start
        case "{": try translateInterval()
        case "*", "+", "?", "^", "$", "|": copy()
        default:
            try checkFolding(letter, scalar)
            atomStart = output.count
            copy()
        }
    }

    private mutating func openGroup() throws(PatternProblem) {
        let openings = ["(?i:", "(?:", "(?=", "(?!", "(?<=", "(?<!", "(?>"]
        let rest = source[position...]
        let opening = openings.first { rest.starts(with: $0.unicodeScalars) }
        let next = rest.dropFirst().first
        guard opening != nil || (next != "?" && next != "*") else {
            throw problem("the group \(quoted(shown(4)))")
        }
        let ignoresCase = opening == "(?i:" || (groups.last?.ignoresCase ?? false)
        groups.append(Group(start: output.count, ignoresCase: ignoresCase))
        for _ in 0..<(opening?.unicodeScalars.count ?? 1) { copy() }
        atomStart = nil
    }

    /// `{n}`, `{n,}`, `{n,m}`, `{,m}`, with the `?` or `+` after it.
    private mutating func translateInterval() throws(PatternProblem) {
        let rest = source[(position + 1)...]
        guard let end = rest.firstIndex(of: "}"), let start = atomStart else {
            throw problem("a \"{\" that repeats nothing; write \\{")
        }
        let bounds = rest[..<end].split(separator: ",", omittingEmptySubsequences: false)
        let isNumeric = bounds.allSatisfy { $0.allSatisfy { "0"..."9" ~= $0 } }
        let isBare = bounds.allSatisfy { $0.isEmpty }
        guard isNumeric, bounds.count <= 2, !isBare else {
            throw problem("the interval \(quoted(shown(6)))")
        }
        position = end + 1
        var interval = "{"
        interval.unicodeScalars.append(contentsOf: bounds[0].isEmpty ? ["0"] : bounds[0])
        if bounds.count == 2 {
            interval += ","
            interval.unicodeScalars.append(contentsOf: bounds[1])
        }
        output += Array((interval + "}").utf8)
        guard position < source.count else { return }
        if source[position] == "?", bounds.count == 1 { throw problem("\"{n}?\"") }
        if source[position] == "+" {
            output.insert(contentsOf: Array("(?:".utf8), at: start)
            output.append(UInt8(ascii: ")"))
        }
    }

    private mutating func translateClass() throws(PatternProblem) {
        copy()
        if position < source.count, source[position] == "^" { copy() }
        let start = position
        while position < source.count, source[position] != "]" {
            switch source[position] {
            case "\\": try translateEscape(inClass: true)
            case "[": throw problem("a \"[\" inside a class; write \\[")
            case "&" where shown(2) == "&&": throw problem("\"&&\" in a class")
            default: copy()
            }
        }
        guard position < source.count, position > start else {
            throw problem("a class that is empty or not closed; write \\] for a bracket")
        }
        copy()
    }

    private mutating func translateEscape(inClass: Bool) throws(PatternProblem) {
        position += 1
        guard position < source.count else { throw problem("a \"\\\" at the end") }
        let scalar = source[position]
        position += 1
        switch scalar {
        case "s": write(inClass ? Self.space : "[\(Self.space)]", isSet: inClass)
        case "S": write(inClass ? Self.notSpace : "[^\(Self.space)]", isSet: inClass)
        case "d": writeProperty("Nd", isNegated: false, inClass)
        case "D": writeProperty("Nd", isNegated: true, inClass)
        case "p", "P": try translateProperty(isNegated: scalar == "P", inClass)
        case "n", "r", "t", "f", "a", "e": write("\\\(scalar)")
        case "v": write("\\x0b")
        case "x", "u": try translateCode(scalar)
        case "A" where !inClass, "z" where !inClass: write("\\\(scalar)")
        default:
            guard !Self.isAlphanumeric(scalar) else { throw problem("\"\\\(scalar)\"") }
            write(scalar.isASCII ? "\\\(scalar)" : "\(scalar)")
        }
    }

    private mutating func translateProperty(
        isNegated: Bool, _ inClass: Bool
    ) throws(PatternProblem) {
        let rest = source[position...]
        guard rest.first == "{", let end = rest.firstIndex(of: "}") else {
            throw problem("a property without braces")
        }
        var name = source[(position + 1)..<end]
        let isInverted = name.first == "^"
        if isInverted { name = name.dropFirst() }
        guard !name.isEmpty, name.allSatisfy({ Self.isAlphanumeric($0) || $0 == "_" }) else {
            throw problem("the property \(quoted(shown(12)))")
        }
        position = end + 1
        let text = String(String.UnicodeScalarView(name))
        writeProperty(text, isNegated: isNegated != isInverted, inClass)
    }

    /// Writes a general category, of one or two letters, or a script, with the characters that
    /// PCRE2's tables may lack.
    private mutating func writeProperty(_ name: String, isNegated: Bool, _ inClass: Bool) {
        let qualified = name.utf8.count <= 2 ? name : "sc:\(name)"
        let young = YoungCharacters.ranges(of: name)
        if inClass {
            write(isNegated ? "\\P{\(qualified)}" : "\\p{\(qualified)}\(young)", isSet: true)
        } else {
            write("[\(isNegated ? "^" : "")\\p{\(qualified)}\(young)]")
        }
    }

    private mutating func translateCode(_ kind: Unicode.Scalar) throws(PatternProblem) {
        let isBraced = kind == "x" && position < source.count && source[position] == "{"
        if isBraced { position += 1 }
        let length = isBraced ? 8 : kind == "x" ? 2 : 4
        let digits = source[position...].prefix(length).prefix { Self.isAlphanumeric($0) }
        let text = String(String.UnicodeScalarView(digits))
        guard isBraced || digits.count == length, let value = UInt32(text, radix: 16),
            Unicode.Scalar(value) != nil, isBraced || kind == "u" || value < 0x80
        else { throw problem("the code \(quoted(text))") }
        position += digits.count
        if isBraced {
            guard position < source.count, source[position] == "}" else {
                throw problem("the code \(quoted(text))")
            }
            position += 1
        }
        write("\\x{\(String(value, radix: 16))}")
    }

    /// Oniguruma folds some pairs of letters with a ligature, as `ss` with `ß`; PCRE2 does not.
    private mutating func checkFolding(
        _ previous: Unicode.Scalar?, _ scalar: Unicode.Scalar
    ) throws(PatternProblem) {
        guard groups.last?.ignoresCase ?? false else { return }
        let letter = Unicode.Scalar(scalar.properties.lowercaseMapping) ?? scalar
        previousLetter = letter
        guard let previous else { return }
        if ["ff", "fi", "fl", "ss", "st"].contains("\(previous)\(letter)") {
            throw problem("\"\(previous)\(letter)\" without regard to case")
        }
    }

    /// Writes a piece of a class or an atom. A set is not the start of a range: a "-" after it is
    /// itself.
    private mutating func write(_ text: String, isSet: Bool = false) {
        output += Array(text.utf8)
        guard isSet, position + 1 < source.count, source[position] == "-",
            source[position + 1] != "]"
        else { return }
        output += Array("\\-".utf8)
        position += 1
    }

    private mutating func copy() {
        output += Array(String(source[position]).utf8)
        position += 1
    }

    private func shown(_ count: Int) -> String {
        String(String.UnicodeScalarView(source[position...].prefix(count)))
    }

    private func problem(_ what: String) -> PatternProblem {
        PatternProblem(reason: "\(what) in a pattern, which Tern does not match as Oniguruma does")
    }

    private static func isAlphanumeric(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9": true
        default: false
        }
    }

    private static let space =
        #"\t-\r\x20\x85\xa0\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}"#
    private static let notSpace =
        #"\x00-\x08\x0e-\x1f\x21-\x84\x86-\x9f\x{a1}-\x{167f}\x{1681}-\x{1fff}\x{200b}-\x{2027}"#
        + #"\x{202a}-\x{202e}\x{2030}-\x{205e}\x{2060}-\x{2fff}\x{3001}-\x{10ffff}"#
}

/// What in a pattern cannot be used.
struct PatternProblem: Error {
    let reason: String
}
