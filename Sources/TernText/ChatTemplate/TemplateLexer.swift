// Cuts a template's source into tokens and decides, once and for all, which of its white space is
// text: blocks swallow the blanks before them on their line and the line break after them
// (`lstrip_blocks`, `trim_blocks`), `-` swallows all white space on its side, `+` nothing. What
// stands inside a tag is cut in TemplateLexer+Expressions. Checked against jinja2 3.1, lexer.py,
// as transformers sets it up.

/// A cursor over the source of a template.
struct TemplateLexer {
    private(set) var source: [Unicode.Scalar]
    var position = 0
    var line = 1
    var tokens: [TemplateToken] = []
    /// Closing brackets still owed; while there are any, `}}` and `%}` end nothing.
    var brackets: [String] = []

    /// Cuts a source into tokens; the last one is `.end`.
    static func tokens(of source: String) throws(ChatTemplateError) -> [TemplateToken] {
        var lexer = TemplateLexer(normalizing: source)
        while try lexer.element() {}
        lexer.emit(.end)
        return lexer.tokens
    }

    /// All line breaks become "\n", and one at the very end goes.
    private init(normalizing text: String) {
        source = Self.normalizingLineBreaks(text)
        if source.last == "\n" { source.removeLast() }
    }

    static func normalizingLineBreaks(_ text: String) -> [Unicode.Scalar] {
        var result: [Unicode.Scalar] = []
        var previous: Unicode.Scalar = " "
        for scalar in text.unicodeScalars {
            if scalar == "\r" {
                result.append("\n")
            } else if scalar != "\n" || previous != "\r" {
                result.append(scalar)
            }
            previous = scalar
        }
        return result
    }

    /// Reads text up to a tag, and the tag; false at the end of the source.
    private mutating func element() throws(ChatTemplateError) -> Bool {
        guard position < source.count else { return false }
        guard let open = nextTag() else {
            emitText(position..<source.count)
            advance(to: source.count)
            return false
        }
        let kind = source[open + 1]
        let sign = sign(at: open + 2)
        emitText(trimmed(position..<open, sign: sign, stripsLine: kind != "{"))
        advance(to: open)
        let opening = line
        if let body = rawBegin(at: open) {
            try raw(from: body, opened: opening)
        } else {
            advance(to: open + (sign == nil ? 2 : 3))
            switch kind {
            case "#": try comment(opened: opening)
            case "%": try tag(.tagBegin, .tagEnd, closing: "%}", opened: opening)
            default: try tag(.outputBegin, .outputEnd, closing: "}}", opened: opening)
            }
        }
        return true
    }

    private func nextTag() -> Int? {
        var index = position
        while index + 1 < source.count {
            if source[index] == "{", "{%#".unicodeScalars.contains(source[index + 1]) {
                return index
            }
            index += 1
        }
        return nil
    }

    private func sign(at index: Int) -> Unicode.Scalar? {
        guard index < source.count, source[index] == "-" || source[index] == "+" else {
            return nil
        }
        return source[index]
    }

    /// What is left of a text before a tag with the given sign.
    private func trimmed(
        _ range: Range<Int>, sign: Unicode.Scalar?, stripsLine: Bool
    ) -> Range<Int> {
        var end = range.upperBound
        if sign == "-" {
            while end > range.lowerBound, source[end - 1].isPythonSpace { end -= 1 }
            return range.lowerBound..<end
        }
        guard sign == nil, stripsLine else { return range }
        let lineStart = source[range].lastIndex(of: "\n").map { $0 + 1 }
        let startsLine = range.lowerBound == 0 || source[range.lowerBound - 1] == "\n"
        guard let start = lineStart ?? (startsLine ? range.lowerBound : nil),
            source[start..<end].allSatisfy(\.isPythonSpace)
        else { return range }
        return range.lowerBound..<start
    }

    private mutating func tag(
        _ begin: TemplateToken.Kind, _ end: TemplateToken.Kind, closing: String, opened: Int
    ) throws(ChatTemplateError) {
        emit(begin)
        while true {
            if brackets.isEmpty, closeTag(closing, as: end) { return }
            guard position < source.count else {
                throw failure("'\(closing)' is missing for the tag opened here", line: opened)
            }
            try expressionToken()
        }
    }

    /// Passes the end of a tag and the white space it swallows.
    private mutating func closeTag(_ closing: String, as end: TemplateToken.Kind) -> Bool {
        let isBlock = closing != "}}"
        if matches("-" + closing) {
            emit(end)
            advance(to: afterSpaces(position + 3))
        } else if matches(closing) {
            emit(end)
            advance(to: isBlock ? afterLineBreak(position + 2) : position + 2)
        } else if isBlock, matches("+" + closing) {
            emit(end)
            advance(to: position + 3)
        } else {
            return false
        }
        return true
    }

    private mutating func comment(opened: Int) throws(ChatTemplateError) {
        let start = position
        while position < source.count, !matches("#}") { advance(to: position + 1) }
        guard position < source.count else {
            throw failure("'#}' is missing for the comment opened here", line: opened)
        }
        let sign = position > start ? sign(at: position - 1) : nil
        advance(to: afterBlock(position + 2, sign: sign))
    }

    private func afterBlock(_ index: Int, sign: Unicode.Scalar?) -> Int {
        switch sign {
        case "-": afterSpaces(index)
        case "+": index
        default: afterLineBreak(index)
        }
    }

    private func afterSpaces(_ index: Int) -> Int {
        source[index...].firstIndex { !$0.isPythonSpace } ?? source.count
    }

    private func afterLineBreak(_ index: Int) -> Int {
        index < source.count && source[index] == "\n" ? index + 1 : index
    }
}

extension TemplateLexer {
    /// Where the text of a raw block starts, if one opens here.
    private func rawBegin(at open: Int) -> Int? {
        guard let end = word("raw", inTagAt: open) else { return nil }
        if matches("-%}", at: end) { return afterSpaces(end + 3) }
        return matches("%}", at: end) ? end + 2 : nil
    }

    private mutating func raw(from start: Int, opened: Int) throws(ChatTemplateError) {
        advance(to: start)
        for open in start..<source.count {
            guard let end = word("endraw", inTagAt: open) else { continue }
            let closingSign = sign(at: end)
            let close = closingSign == nil ? end : end + 1
            guard matches("%}", at: close) else { continue }
            emitText(trimmed(start..<open, sign: sign(at: open + 2), stripsLine: true))
            advance(to: afterBlock(close + 2, sign: closingSign))
            return
        }
        throw failure("'{% endraw %}' is missing for the block opened here", line: opened)
    }

    /// Where the blanks after a word end, if a tag opens here with that word.
    private func word(_ word: String, inTagAt open: Int) -> Int? {
        guard matches("{%", at: open) else { return nil }
        let start = afterSpaces(open + (sign(at: open + 2) == nil ? 2 : 3))
        guard matches(word, at: start) else { return nil }
        return afterSpaces(start + word.unicodeScalars.count)
    }

    func matches(_ text: String, at index: Int? = nil) -> Bool {
        var index = index ?? position
        for scalar in text.unicodeScalars {
            guard index < source.count, source[index] == scalar else { return false }
            index += 1
        }
        return true
    }

    mutating func advance(to end: Int) {
        for scalar in source[position..<end] where scalar == "\n" { line += 1 }
        position = end
    }

    mutating func emit(_ kind: TemplateToken.Kind) {
        tokens.append(TemplateToken(kind: kind, line: line))
    }

    private mutating func emitText(_ range: Range<Int>) {
        guard !range.isEmpty else { return }
        emit(.text(TemplateString(source[range].map { MarkedScalar($0, literal: false) })))
    }

    func failure(_ reason: String, line: Int? = nil) -> ChatTemplateError {
        ChatTemplateError(.syntax, line: line ?? self.line, reason)
    }
}
