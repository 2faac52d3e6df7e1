// Numbers of a schema as networks. Digits are bounded, for no model should write them without end and
// no reader should lose them; bounds are cut into runs of digits.

import TernJSON

/// One side of an interval of numbers.
private struct Bound {
    let value: Int
    let isOpen: Bool
}

extension SchemaCompiler {
    /// Integers have no more digits: all of them are exact in a double.
    private static let greatestInteger = 999_999_999_999_999
    /// The same for numbers with a bound, beside which there are six digits of a fraction.
    private static let greatestBounded = 999_999_999
    private static let fractionDigits = 6

    mutating func integer(_ schema: JSONObject, _ path: String) throws(GrammarError) -> Int32 {
        let least = try integerBound("minimum", "exclusiveMinimum", 1, in: schema, path)
        let most = try integerBound("maximum", "exclusiveMaximum", -1, in: schema, path)
        let lowest = max(least ?? -Self.greatestInteger, -Self.greatestInteger)
        let highest = min(most ?? Self.greatestInteger, Self.greatestInteger)
        guard lowest <= highest else {
            throw GrammarError(path, "no integer of at most 15 digits is within the bounds")
        }
        var starts: [Int32] = []
        if highest >= 0 {
            starts.append(try magnitudes(max(0, lowest)...highest, then: GrammarBuilder.pop))
        }
        if lowest < 0 {
            let magnitudes = try magnitudes(max(1, -highest)...(-lowest), then: GrammarBuilder.pop)
            starts.append(try builder.literal("-", then: magnitudes))
        }
        return try builder.choice(starts)
    }

    /// The tighter of two bounds, as an integer that is allowed itself.
    private func integerBound(
        _ closed: String, _ open: String, _ inward: Int, in schema: JSONObject, _ path: String
    ) throws(GrammarError) -> Int? {
        var bounds: [Int] = []
        for (keyword, isOpen) in [(closed, false), (open, true)] {
            guard let value = schema[keyword] else { continue }
            guard let number = value.number, abs(number) <= 1e15 else {
                throw GrammarError(
                    path + "/" + keyword, "found \(value.text()); expected a number within 1e15")
            }
            let inner = Int(number.rounded(inward > 0 ? .up : .down))
            bounds.append(isOpen && Double(inner) == number ? inner + inward : inner)
        }
        return inward > 0 ? bounds.max() : bounds.min()
    }

    mutating func number(_ schema: JSONObject, _ path: String) throws(GrammarError) -> Int32 {
        let least = try numberBound("minimum", "exclusiveMinimum", in: schema, path)
        let most = try numberBound("maximum", "exclusiveMaximum", in: schema, path)
        guard least != nil || most != nil else { return try anyNumber() }
        let low = least ?? Bound(value: -Self.greatestBounded, isOpen: false)
        let high = most ?? Bound(value: Self.greatestBounded, isOpen: false)
        var starts: [Int32] = []
        if high.value >= 0 {
            let from = low.value >= 0 ? low : Bound(value: 0, isOpen: false)
            if let start = try magnitudes(from, high) { starts.append(start) }
        }
        if low.value < 0 {
            let from =
                high.value <= 0
                ? Bound(value: -high.value, isOpen: high.isOpen) : Bound(value: 0, isOpen: false)
            let to = Bound(value: -low.value, isOpen: low.isOpen)
            if let start = try magnitudes(from, to) {
                starts.append(try builder.literal("-", then: start))
            }
        }
        guard !starts.isEmpty else { throw GrammarError(path, "no number is within the bounds") }
        return try builder.choice(starts)
    }

    private func numberBound(
        _ closed: String, _ open: String, in schema: JSONObject, _ path: String
    ) throws(GrammarError) -> Bound? {
        guard schema[closed] == nil || schema[open] == nil else {
            throw GrammarError(path, "\(open) is not supported beside \(closed)")
        }
        let keyword = schema[open] == nil ? closed : open
        guard let value = schema[keyword] else { return nil }
        let bounds = -Self.greatestBounded...Self.greatestBounded
        guard let whole = value.integer, bounds.contains(whole) else {
            throw GrammarError(
                path + "/" + keyword,
                "found \(value.text()); numbers, unlike integers, are supported with whole bounds of "
                    + "at most 9 digits")
        }
        return Bound(value: whole, isOpen: keyword == open)
    }

    /// Any number: at most 15 digits before and after the point, and an exponent of two.
    private mutating func anyNumber() throws(GrammarError) -> Int32 {
        if let node = parts["number"] { return node }
        let pop = GrammarBuilder.pop
        let digit = try builder.bytes(.digits, then: pop)
        let exponent = try builder.repeated(digit, 1, 2, then: pop)
        let sign = try builder.choice([
            exponent, try builder.bytes(ByteSet("+-".utf8), then: exponent),
        ])
        let mantissaEnd = try builder.choice([
            pop, try builder.bytes(ByteSet("eE".utf8), then: sign),
        ])
        let fraction = try builder.literal(
            ".", then: try builder.repeated(digit, 1, 15, then: mantissaEnd))
        let whole = try magnitudes(
            0...Self.greatestInteger, then: try builder.choice([mantissaEnd, fraction]))
        let node = try builder.choice([whole, try builder.literal("-", then: whole)])
        parts["number"] = node
        return node
    }

    /// Numbers without sign between two bounds; nil where there is none.
    private mutating func magnitudes(
        _ low: Bound, _ high: Bound
    ) throws(GrammarError) -> Int32? {
        let pop = GrammarBuilder.pop
        let most = Self.fractionDigits
        let digit = try builder.bytes(.digits, then: pop)
        let zero = try builder.literal("0", then: pop)
        let fraction = try builder.literal(
            ".", then: try builder.repeated(digit, 1, most, then: pop))
        let zeros = try builder.literal(".", then: try builder.repeated(zero, 1, most, then: pop))
        let some = try builder.choice([pop, fraction])
        let none = try builder.choice([pop, zeros])
        var starts: [Int32] = []
        if low.value < high.value {
            let after = low.isOpen ? try builder.literal(".", then: try nonzeroFraction()) : some
            starts.append(try magnitudes(low.value...low.value, then: after))
            if low.value + 1 < high.value {
                starts.append(try magnitudes(low.value + 1...high.value - 1, then: some))
            }
        }
        if !high.isOpen, low.value < high.value || (low.value == high.value && !low.isOpen) {
            starts.append(try magnitudes(high.value...high.value, then: none))
        }
        return starts.isEmpty ? nil : try builder.choice(starts)
    }

    /// Digits of which one is not 0.
    private mutating func nonzeroFraction() throws(GrammarError) -> Int32 {
        var start: Int32?
        for length in 1...Self.fractionDigits {
            let digit = try builder.bytes(.digits, then: GrammarBuilder.pop)
            let rest = try builder.repeated(digit, 0, length - 1, then: GrammarBuilder.pop)
            let first = try builder.bytes(ByteSet(0x31...0x39), then: rest)
            start =
                try start.map { (next) throws(GrammarError) in
                    try builder.choice([first, try builder.literal("0", then: next)])
                } ?? first
        }
        guard let start else { preconditionFailure("a fraction of no digits") }
        return start
    }

    /// Integers of a range, without sign and without zeros before them.
    private mutating func magnitudes(
        _ range: ClosedRange<Int>, then next: Int32
    ) throws(GrammarError) -> Int32 {
        var starts: [Int32] = []
        var (low, power) = (range.lowerBound, 10)
        while power <= low { power *= 10 }
        while low <= range.upperBound {
            let high = min(range.upperBound, power - 1)
            starts.append(
                try digits(Array("\(low)".utf8)[...], Array("\(high)".utf8)[...], then: next))
            low = power
            power *= 10
        }
        return try builder.choice(starts)
    }

    /// Digits between two runs of the same length.
    private mutating func digits(
        _ low: ArraySlice<UInt8>, _ high: ArraySlice<UInt8>, then next: Int32
    ) throws(GrammarError) -> Int32 {
        guard let least = low.first, let most = high.first else { return next }
        let (lowRest, highRest) = (low.dropFirst(), high.dropFirst())
        let zeros = ArraySlice(lowRest.map { _ in UInt8(ascii: "0") })
        let nines = ArraySlice(lowRest.map { _ in UInt8(ascii: "9") })
        if least == most {
            return try builder.literal([least], then: try digits(lowRest, highRest, then: next))
        }
        if lowRest == zeros && highRest == nines {
            let rest = try builder.run(.digits, lowRest.count, then: next)
            return try builder.bytes(ByteSet(least...most), then: rest)
        }
        var starts = [
            try builder.literal([least], then: try digits(lowRest, nines, then: next))
        ]
        if least + 1 < most {
            let rest = try builder.run(.digits, lowRest.count, then: next)
            starts.append(try builder.bytes(ByteSet(least + 1...most - 1), then: rest))
        }
        starts.append(try builder.literal([most], then: try digits(zeros, highRest, then: next)))
        return try builder.choice(starts)
    }
}
