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

    /// A part of the text, each stretch of one mark changed by itself: text from a user does not
    /// change the template's characters, as a leading combining mark would.
    func part(_ range: Range<Int>, changed: ([UInt8]) -> [UInt8]) -> MarkedText {
        var part = MarkedText([], isLiteral: false)
        var position = range.lowerBound
        var index = firstLiteral(endingAfter: position)
        while index < literals.count, literals[index].lowerBound < range.upperBound {
            let stretch = literals[index].clamped(to: range)
            part.bytes += changed(Array(bytes[position..<stretch.lowerBound]))
            part.appendLiteral(changed(Array(bytes[stretch])))
            position = stretch.upperBound
            index += 1
        }
        part.bytes += changed(Array(bytes[position..<range.upperBound]))
        return part
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
