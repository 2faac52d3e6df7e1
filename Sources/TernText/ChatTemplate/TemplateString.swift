// The text value of chat templates: Unicode scalars, as Python counts them, each with a mark that
// says whether a caller wrote it. Whatever a template does to text - cutting, joining, replacing -
// moves scalars, so the mark travels with each of them and nothing else has to be kept. Swift's
// own String would not do: it counts "\r\n" as one and calls two spellings of "é" equal. What
// Python's methods do to text is in TemplateString+Methods.

/// One Unicode scalar and its author.
struct MarkedScalar: Sendable {
    private var bits: UInt32

    /// Scalars end at 0x10FFFF, so the top bit is free.
    private static let mark: UInt32 = 1 << 31

    init(_ scalar: Unicode.Scalar, literal: Bool) {
        self.init(ascii: 0, literal: literal)
        bits |= scalar.value
    }

    init(ascii byte: UInt8, literal: Bool) { bits = UInt32(byte) | (literal ? Self.mark : 0) }

    /// The scalar's number.
    var value: UInt32 { bits & ~Self.mark }

    /// The scalar. A number taken from a scalar is one again, so the replacement never shows.
    var scalar: Unicode.Scalar { Unicode.Scalar(value) ?? "\u{FFFD}" }

    /// Whether a caller wrote it.
    var isLiteral: Bool { bits & Self.mark != 0 }

    /// Makes it the caller's.
    mutating func markLiteral() { bits |= Self.mark }
}

/// A text whose scalars know their author. Equality, order and hash look at the scalars alone.
struct TemplateString: Sendable {
    var scalars: [MarkedScalar]
    /// Whether HTML's special characters in it count as escaped: what jinja2 calls markup.
    var isMarkup = false

    init(_ scalars: some Sequence<MarkedScalar>) { self.scalars = Array(scalars) }

    init(_ text: String, literal: Bool = false) {
        let ascii = text.utf8.withContiguousStorageIfAvailable { bytes -> [MarkedScalar]? in
            guard bytes.reduce(0, |) < 0x80 else { return nil }
            return bytes.map { MarkedScalar(ascii: $0, literal: literal) }
        }
        if let ascii = ascii ?? nil {
            scalars = ascii
            return
        }
        scalars = []
        scalars.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            scalars.append(MarkedScalar(scalar, literal: literal))
        }
    }

    var count: Int { scalars.count }
    var isEmpty: Bool { scalars.isEmpty }

    /// The text without its marks.
    var text: String {
        var bytes: [UInt8] = []
        appendUTF8(0..<count, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Appends a part of the text, without its marks, to bytes.
    func appendUTF8(_ range: Range<Int>, to bytes: inout [UInt8]) {
        bytes.reserveCapacity(bytes.count + range.count)
        for scalar in scalars[range] {
            if scalar.value < 0x80 {
                bytes.append(UInt8(truncatingIfNeeded: scalar.value))
            } else if let units = UTF8.encode(scalar.scalar) {
                for unit in units { bytes.append(unit) }
            }
        }
    }

    /// Whether a caller wrote any part of it.
    var hasLiteral: Bool { scalars.contains { $0.isLiteral } }

    /// Marks every scalar as the caller's.
    mutating func markLiteral() {
        for index in scalars.indices { scalars[index].markLiteral() }
    }

    /// The same text as markup.
    var asMarkup: TemplateString {
        var text = self
        text.isMarkup = true
        return text
    }

    subscript(range: Range<Int>) -> TemplateString {
        range == 0..<count ? self : TemplateString(scalars[range])
    }

    static func + (left: TemplateString, right: TemplateString) -> TemplateString {
        TemplateString(left.scalars + right.scalars)
    }

    static func += (left: inout TemplateString, right: TemplateString) {
        left.scalars += right.scalars
    }
}

extension TemplateString: Hashable, Comparable {
    static func == (left: TemplateString, right: TemplateString) -> Bool {
        left.scalars.elementsEqual(right.scalars) { $0.value == $1.value }
    }

    static func < (left: TemplateString, right: TemplateString) -> Bool {
        left.scalars.lexicographicallyPrecedes(right.scalars) { $0.value < $1.value }
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(scalars.count)
        for scalar in scalars { hasher.combine(scalar.value) }
    }
}

extension TemplateString: ExpressibleByStringLiteral {
    init(stringLiteral text: StaticString) {
        self.init(text.withUTF8Buffer { String(decoding: $0, as: UTF8.self) })
    }
}
