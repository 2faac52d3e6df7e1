// Strings of a schema as networks: whole characters in UTF-8, escapes, lengths, and the formats that
// can be told exactly.
//
// Source: RFC 8259, section 7; RFC 3629, section 4; RFC 3339, section 5.6; RFC 9562 for uuid.

import TernJSON

extension ByteSet {
    /// Characters of one byte that stand for themselves in a string.
    static let plainASCII = ByteSet(0x20...0x21, 0x23...0x5B, 0x5D...0x7F)
    fileprivate static let continuation = ByteSet(0x80...0xBF)
}

extension SchemaCompiler {
    /// A string between its bounds, or in its format.
    mutating func string(_ schema: JSONObject, _ path: String) throws(GrammarError) -> Int32 {
        let (least, most) = try SchemaKeywords.counts("minLength", "maxLength", in: schema, path)
        let end = try builder.literal("\"", then: GrammarBuilder.pop)
        guard let format = schema["format"] else {
            let content = try builder.repeated(try character(), least, most, then: end)
            return try builder.literal("\"", then: content)
        }
        guard least == 0, most == nil else {
            throw GrammarError(path, "minLength and maxLength are not supported beside format")
        }
        let content =
            switch format.string {
            case "date": try date(then: end)
            case "time": try time(then: end)
            case "date-time": try date(then: try builder.literal("T", then: try time(then: end)))
            case "uuid": try uuid(then: end)
            case "ipv4": try internetAddress(then: end)
            default:
                throw GrammarError(
                    path + "/format",
                    "found \(format.text()); expected date, time, date-time, uuid or ipv4")
            }
        return try builder.literal("\"", then: content)
    }

    /// One character of a string, in any spelling.
    mutating func character() throws(GrammarError) -> Int32 {
        if let node = parts["character"] { return node }
        let escape = try builder.literal("\\", then: try escaped())
        let node = try builder.choice([try plainCharacter(), escape])
        parts["character"] = node
        return node
    }

    /// One character that stands for itself.
    mutating func plainCharacter() throws(GrammarError) -> Int32 {
        if let node = parts["plain"] { return node }
        let one = try builder.bytes(.continuation, then: GrammarBuilder.pop)
        let two = try builder.bytes(.continuation, then: one)
        let three = try builder.bytes(.continuation, then: two)
        func lead(
            _ range: ClosedRange<UInt8>, _ second: ClosedRange<UInt8>, then next: Int32,
            _ builder: inout GrammarBuilder
        ) throws(GrammarError) -> Int32 {
            try builder.bytes(ByteSet(range), then: try builder.bytes(ByteSet(second), then: next))
        }
        let node = try builder.choice([
            try builder.bytes(.plainASCII, then: GrammarBuilder.pop),
            try builder.bytes(ByteSet(0xC2...0xDF), then: one),
            try builder.bytes(ByteSet(0xE1...0xEC, 0xEE...0xEF), then: two),
            try lead(0xE0...0xE0, 0xA0...0xBF, then: one, &builder),
            try lead(0xED...0xED, 0x80...0x9F, then: one, &builder),
            try builder.bytes(ByteSet(0xF1...0xF3), then: three),
            try lead(0xF0...0xF0, 0x90...0xBF, then: two, &builder),
            try lead(0xF4...0xF4, 0x80...0x8F, then: two, &builder),
        ])
        parts["plain"] = node
        return node
    }

    /// What follows a backslash; halves of surrogate pairs come together or not at all.
    private mutating func escaped() throws(GrammarError) -> Int32 {
        let pop = GrammarBuilder.pop
        let two = try builder.run(.hexDigits, 2, then: pop)
        let three = try builder.run(.hexDigits, 1, then: two)
        let low = try builder.bytes(ByteSet("cdefCDEF".utf8), then: two)
        let second = try builder.literal(
            "\\u", then: try builder.bytes(ByteSet("dD".utf8), then: low))
        let upper = try builder.run(.hexDigits, 2, then: second)
        let high = try builder.bytes(ByteSet("89abAB".utf8), then: upper)
        let basic = try builder.bytes(
            ByteSet.hexDigits.subtracting(ByteSet("dD".utf8)), then: three)
        let lowD = try builder.bytes(ByteSet(0x30...0x37), then: two)
        let withD = try builder.bytes(ByteSet("dD".utf8), then: try builder.choice([lowD, high]))
        let unicode = try builder.literal("u", then: try builder.choice([basic, withD]))
        return try builder.choice([
            try builder.bytes(ByteSet("\"\\/bfnrt".utf8), then: pop), unicode,
        ])
    }

    /// Two digits of a range.
    private mutating func pair(
        _ numbers: some Sequence<Int>, then next: Int32
    ) throws(GrammarError) -> Int32 {
        let zero = Int(UInt8(ascii: "0"))
        return try builder.literals(
            numbers.map { [UInt8($0 / 10 + zero), UInt8($0 % 10 + zero)] }, then: next)
    }

    /// A day that there is, leap years included.
    private mutating func date(then next: Int32) throws(GrammarError) -> Int32 {
        func month(
            _ months: [Int], _ days: ClosedRange<Int>, _ compiler: inout SchemaCompiler
        ) throws(GrammarError) -> Int32 {
            let days = try compiler.builder.literal("-", then: try compiler.pair(days, then: next))
            return try compiler.builder.literal("-", then: try compiler.pair(months, then: days))
        }
        let usual = try builder.choice([
            try month([1, 3, 5, 7, 8, 10, 12], 1...31, &self),
            try month([4, 6, 9, 11], 1...30, &self), try month([2], 1...28, &self),
        ])
        let leapDay = try builder.literal("-02-29", then: next)
        let fourths = stride(from: 4, through: 96, by: 4)
        let leapYear = try builder.choice([
            try pair(0...99, then: try pair(fourths, then: leapDay)),
            try pair(
                stride(from: 0, through: 96, by: 4), then: try builder.literal("00", then: leapDay)),
        ])
        return try builder.choice([try builder.run(.digits, 4, then: usual), leapYear])
    }

    /// A time with its zone.
    private mutating func time(then next: Int32) throws(GrammarError) -> Int32 {
        let offset = try pair(
            0...23, then: try builder.literal(":", then: try pair(0...59, then: next)))
        let zone = try builder.choice([
            try builder.literal("Z", then: next),
            try builder.bytes(ByteSet("+-".utf8), then: offset),
        ])
        let digit = try builder.bytes(.digits, then: GrammarBuilder.pop)
        let fraction = try builder.literal(".", then: try builder.repeated(digit, 1, 9, then: zone))
        let second = try pair(0...59, then: try builder.choice([zone, fraction]))
        let minute = try pair(0...59, then: try builder.literal(":", then: second))
        return try pair(0...23, then: try builder.literal(":", then: minute))
    }

    private mutating func uuid(then next: Int32) throws(GrammarError) -> Int32 {
        var start = try builder.run(.hexDigits, 12, then: next)
        for count in [4, 4, 4, 8] {
            start = try builder.run(
                .hexDigits, count, then: try builder.literal("-", then: start))
        }
        return start
    }

    private mutating func internetAddress(then next: Int32) throws(GrammarError) -> Int32 {
        var start = try builder.literals((0...255).map { Array("\($0)".utf8) }, then: next)
        for _ in 0..<3 {
            let dot = try builder.literal(".", then: start)
            start = try builder.literals((0...255).map { Array("\($0)".utf8) }, then: dot)
        }
        return start
    }
}
