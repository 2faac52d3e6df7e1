// A text on its way to tokens that remembers which of its bytes came from users (station 2 of the
// walk). It carries bytes and marks through normalization; it recognises nothing.

/// Valid UTF-8 whose literal ranges may not become control tokens.
struct MarkedText {
    /// Who wrote a range of the text.
    enum Origin {
        case template, literal, mixed
    }

    /// The whole text.
    private(set) var bytes: [UInt8]
    /// Where the text is literal: ranges in order that do not touch.
    private(set) var literals: [Range<Int>] = []
    /// Whether the text begins with what the whole text began with.
    private(set) var isAtStart = true

    /// One change to a text: a range and what takes its place.
    struct Edit {
        var range: Range<Int>
        var content: [UInt8]
    }

    /// A text that is literal as a whole or not at all.
    init(_ bytes: [UInt8], isLiteral: Bool) {
        self.bytes = bytes
        if isLiteral, !bytes.isEmpty { literals = [bytes.indices] }
    }

    /// The joint text of the segments of a prompt.
    init(_ segments: [PromptSegment]) {
        bytes = []
        for segment in segments {
            switch segment {
            case .template(let text): bytes.append(contentsOf: text.utf8)
            case .literal(let text): appendLiteral(text.utf8)
            }
        }
    }

    /// Where a range of the text came from.
    func origin(of range: Range<Int>) -> Origin {
        let index = firstLiteral(endingAfter: range.lowerBound)
        if index == literals.count { return .template }
        let literal = literals[index]
        if literal.lowerBound >= range.upperBound { return .template }
        let isWhole =
            literal.lowerBound <= range.lowerBound && range.upperBound <= literal.upperBound
        return isWhole ? .literal : .mixed
    }

    /// A part of the text.
    func part(_ range: Range<Int>) -> MarkedText {
        var part = MarkedText([], isLiteral: false)
        part.append(self, range)
        part.isAtStart = isAtStart && range.lowerBound == 0
        return part
    }

    /// The text, each stretch of one mark changed by itself: text from a user does not change the
    /// template's characters, as a leading combining mark would.
    func changed(_ change: ([UInt8]) -> [UInt8]) -> MarkedText {
        var result = MarkedText([], isLiteral: false)
        result.isAtStart = isAtStart
        var position = 0
        for literal in literals {
            result.bytes += change(Array(bytes[position..<literal.lowerBound]))
            result.appendLiteral(change(Array(bytes[literal])))
            position = literal.upperBound
        }
        result.bytes += change(position == 0 ? bytes : Array(bytes[position...]))
        return result
    }

    /// The text after changes in order that do not overlap. What takes the place of literal text,
    /// be it in part, is literal.
    func edited(_ edits: [Edit]) -> MarkedText {
        guard let first = edits.first else { return self }
        var result = MarkedText([], isLiteral: false)
        result.bytes.reserveCapacity(bytes.count + edits.count * 2)
        result.isAtStart =
            isAtStart
            && (first.range.lowerBound > 0 || first.range.isEmpty || !first.content.isEmpty)
        var position = 0
        for edit in edits {
            result.append(self, position..<edit.range.lowerBound)
            if literals.isEmpty || origin(of: edit.range) == .template {
                result.bytes += edit.content
            } else {
                result.appendLiteral(edit.content)
            }
            position = edit.range.upperBound
        }
        result.append(self, position..<bytes.count)
        return result
    }

    private mutating func append(_ text: MarkedText, _ range: Range<Int>) {
        var position = range.lowerBound
        var index = text.literals.isEmpty ? 0 : text.firstLiteral(endingAfter: position)
        while index < text.literals.count, text.literals[index].lowerBound < range.upperBound {
            let stretch = text.literals[index].clamped(to: range)
            bytes += text.bytes[position..<stretch.lowerBound]
            appendLiteral(text.bytes[stretch])
            position = stretch.upperBound
            index += 1
        }
        bytes += text.bytes[position..<range.upperBound]
    }

    private func firstLiteral(endingAfter place: Int) -> Int {
        var low = 0
        var high = literals.count
        while low < high {
            let middle = (low + high) / 2
            if literals[middle].upperBound <= place {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low
    }

    private mutating func appendLiteral(_ text: some Sequence<UInt8>) {
        let start = bytes.count
        bytes.append(contentsOf: text)
        guard bytes.count > start else { return }
        if let last = literals.last, last.upperBound == start {
            literals[literals.count - 1] = last.lowerBound..<bytes.count
        } else {
            literals.append(start..<bytes.count)
        }
    }
}
