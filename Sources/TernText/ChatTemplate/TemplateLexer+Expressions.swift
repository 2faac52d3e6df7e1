// Cuts what stands inside `{{ }}` and `{% %}`: names, numbers, strings with Python's escapes, and
// symbols. Keywords are names here; the parser tells them apart. Checked against jinja2 3.1,
// lexer.py.

extension TemplateLexer {
    /// The symbols of two characters, which are looked for first.
    private static let longSymbols: Set<String> = ["//", "**", "==", "!=", ">=", "<="]

    private static let symbols: Set<String> = [
        "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<", "=", ".", ":", "|",
        ",", ";",
    ]

    /// Reads one token, or the white space before one.
    mutating func expressionToken() throws(ChatTemplateError) {
        let scalar = source[position]
        if scalar.isPythonSpace {
            advance(to: position + 1)
        } else if ("0"..."9").contains(scalar) {
            try number()
        } else if scalar == "_" || scalar.properties.isXIDContinue {
            try name()
        } else if scalar == "'" || scalar == "\"" {
            try string(quote: scalar)
        } else {
            try symbol()
        }
    }

    private mutating func name() throws(ChatTemplateError) {
        let start = position
        while position < source.count,
            source[position] == "_" || source[position].properties.isXIDContinue
        {
            position += 1
        }
        guard source[start] == "_" || source[start].properties.isXIDStart else {
            throw failure("a name starts with '\(source[start])', which no name may start with")
        }
        emit(.name(text(start..<position)))
    }

    private mutating func symbol() throws(ChatTemplateError) {
        var symbol = text(position..<min(position + 2, source.count))
        if !Self.longSymbols.contains(symbol) { symbol = text(position..<position + 1) }
        guard symbol.unicodeScalars.count == 2 || Self.symbols.contains(symbol) else {
            throw failure("'\(symbol)' means nothing inside a tag")
        }
        switch symbol {
        case "(": brackets.append(")")
        case "[": brackets.append("]")
        case "{": brackets.append("}")
        case ")", "]", "}":
            guard let expected = brackets.popLast() else {
                throw failure("'\(symbol)' closes nothing")
            }
            guard expected == symbol else {
                throw failure("'\(symbol)' stands where '\(expected)' is expected")
            }
        default: break
        }
        emit(.symbol(symbol))
        advance(to: position + symbol.unicodeScalars.count)
    }

    private mutating func number() throws(ChatTemplateError) {
        let start = position
        if let (end, radix) = radixInteger() {
            let digits = text(start + 2..<end).filter { $0 != "_" }
            guard let value = Int(digits, radix: radix) else { throw tooLarge(start..<end) }
            return emitNumber(.integer(value), end: end)
        }
        let integerEnd = digits(from: start)
        var end = integerEnd
        if end < source.count, source[end] == "." {
            let fractionEnd = digits(from: end + 1)
            if fractionEnd > end + 1 { end = fractionEnd }
        }
        if let exponentEnd = exponent(from: end) { end = exponentEnd }
        let afterDot = start > 0 && source[start - 1] == "."
        if end > integerEnd, !afterDot {
            guard let value = Double(text(start..<end).filter({ $0 != "_" })) else {
                throw tooLarge(start..<end)
            }
            return emitNumber(.float(value), end: end)
        }
        let isZero = source[start] == "0"
        end = isZero ? zeros(from: start) : integerEnd
        guard let value = Int(text(start..<end).filter({ $0 != "_" })) else {
            throw tooLarge(start..<end)
        }
        emitNumber(.integer(value), end: end)
    }

    private mutating func emitNumber(_ kind: TemplateToken.Kind, end: Int) {
        emit(kind)
        position = end
    }

    private func tooLarge(_ range: Range<Int>) -> ChatTemplateError {
        failure("the number \(text(range)) does not fit 64 bits")
    }

    /// Where digits with single underscores between them end; `start` if there are none.
    private func digits(
        from start: Int, where isDigit: (Unicode.Scalar) -> Bool = { ("0"..."9").contains($0) }
    ) -> Int {
        var end = start
        var next = start
        while next < source.count, isDigit(source[next]) {
            end = next + 1
            next = end < source.count && source[end] == "_" ? end + 1 : end
        }
        return end
    }

    private func zeros(from start: Int) -> Int { digits(from: start) { $0 == "0" } }

    private func exponent(from start: Int) -> Int? {
        guard start < source.count, source[start] == "e" || source[start] == "E" else {
            return nil
        }
        var first = start + 1
        if first < source.count, source[first] == "+" || source[first] == "-" { first += 1 }
        let end = digits(from: first)
        return end > first ? end : nil
    }

    private func radixInteger() -> (end: Int, radix: Int)? {
        guard source[position] == "0", position + 1 < source.count else { return nil }
        let radix: Int
        switch source[position + 1] {
        case "b", "B": radix = 2
        case "o", "O": radix = 8
        case "x", "X": radix = 16
        default: return nil
        }
        let first = position + 2
        let start = first < source.count && source[first] == "_" ? first + 1 : first
        let end = digits(from: start) { Int(String($0), radix: radix) != nil }
        return end > start ? (end, radix) : nil
    }

    func text(_ range: Range<Int>) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: source[range])
        return String(view)
    }
}

extension TemplateLexer {
    private mutating func string(quote: Unicode.Scalar) throws(ChatTemplateError) {
        let opening = line
        var content = String.UnicodeScalarView()
        position += 1
        while true {
            guard position < source.count else {
                throw failure("the string opened here does not end", line: opening)
            }
            let scalar = source[position]
            advance(to: position + 1)
            if scalar == quote { break }
            if scalar == "\\" {
                content.append(contentsOf: try escape(opened: opening))
            } else {
                content.append(scalar)
            }
        }
        tokens.append(TemplateToken(kind: .string(String(content)), line: opening))
    }

    /// What an escape stands for; one that Python does not know stands for itself.
    private mutating func escape(opened: Int) throws(ChatTemplateError) -> [Unicode.Scalar] {
        guard position < source.count else {
            throw failure("the string opened here does not end", line: opened)
        }
        let scalar = source[position]
        advance(to: position + 1)
        switch scalar {
        case "\n": return []
        case "\\", "'", "\"": return [scalar]
        case "a": return ["\u{7}"]
        case "b": return ["\u{8}"]
        case "f": return ["\u{C}"]
        case "n": return ["\n"]
        case "r": return ["\r"]
        case "t": return ["\t"]
        case "v": return ["\u{B}"]
        case "x": return [try codePoint(digits: 2)]
        case "u": return [try codePoint(digits: 4)]
        case "U": return [try codePoint(digits: 8)]
        case "0"..."7": return [octal()]
        case "N": throw failure("named escapes (\\N{…}) are not known here; write \\u instead")
        default: return ["\\", scalar]
        }
    }

    private mutating func codePoint(digits: Int) throws(ChatTemplateError) -> Unicode.Scalar {
        let end = position + digits
        guard end <= source.count, let value = UInt32(text(position..<end), radix: 16),
            source[position] != "+", let scalar = Unicode.Scalar(value)
        else {
            throw failure("an escape needs \(digits) hexadecimal digits that name a character")
        }
        position = end
        return scalar
    }

    private mutating func octal() -> Unicode.Scalar {
        position -= 1
        var value: UInt32 = 0
        var length = 0
        while length < 3, position < source.count, ("0"..."7").contains(source[position]) {
            value = value * 8 + source[position].value - 48
            position += 1
            length += 1
        }
        return Unicode.Scalar(value) ?? "\u{FFFD}"
    }
}
