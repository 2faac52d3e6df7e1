// Filters on numbers, and Python's way to read numbers from text.

import Glibc

extension TemplateInterpreter {
    func applyNumber(
        _ filter: TemplateFilter, to value: TemplateValue, _ arguments: TemplateCallArguments
    ) throws(ChatTemplateError) -> TemplateValue {
        if case .undefined(let reason) = value, filter != .sum { throw failure(reason) }
        switch filter {
        case .abs:
            _ = try bind(arguments, to: [], of: "abs")
            if let integer = value.integer {
                return integer < 0
                    ? try signed(value, isNegative: true, line: line) : .integer(integer)
            }
            guard let number = value.double else {
                throw failure("abs: a \(value.typeName) is no number")
            }
            return .float(number.magnitude)
        case .int:
            let bound = try bind(arguments, to: ["default", "base"], of: "int")
            let base = try integer(bound[1], "base") ?? 10
            return try integer(from: value, base: base) ?? bound[0] ?? .integer(0)
        case .float:
            let bound = try bind(arguments, to: ["default"], of: "float")
            return try float(from: value).map { .float($0) } ?? bound[0] ?? .float(0)
        case .round: return try round(value, arguments)
        case .sum: return try sum(value, arguments)
        default: preconditionFailure("'\(filter.rawValue)' is no filter on numbers")
        }
    }

    private func sum(
        _ value: TemplateValue, _ arguments: TemplateCallArguments
    ) throws(ChatTemplateError) -> TemplateValue {
        let bound = try bind(arguments, to: ["attribute", "start"], of: "sum")
        var total = bound[1] ?? .integer(0)
        var elements = try elements(of: value)
        if let path = bound[0], !path.isNone {
            let mapping = TemplateCallArguments(keywords: [("attribute", path)])
            elements = try self.elements(of: try apply(.map, to: .list(elements), mapping))
        }
        for element in elements { total = try arithmetic(.add, total, element) }
        return total
    }

    private func integer(
        from value: TemplateValue, base: Int
    ) throws(ChatTemplateError) -> TemplateValue? {
        if let integer = value.integer { return .integer(integer) }
        if case .string(let text) = value, let integer = try integer(from: text, base: base) {
            return .integer(integer)
        }
        guard let number = try float(from: value) else { return nil }
        guard number.isFinite else {
            if case .string = value { return nil }
            throw failure("int: \(number) is no whole number")
        }
        guard let integer = Int(exactly: number.rounded(.towardZero)) else {
            throw failure("int: \(number) does not fit 64 bits")
        }
        return .integer(integer)
    }

    /// A whole number as Python's `int(text, base)` reads it; nil where it reads none.
    private func integer(
        from text: TemplateString, base: Int
    ) throws(ChatTemplateError) -> Int? {
        try pay(scanning: text.count)
        guard (2...36).contains(base), var digits = ascii(text.stripped()) else { return nil }
        var sign = ""
        if let first = digits.first, first == "-" || first == "+" {
            sign = first == "-" ? "-" : ""
            digits.removeFirst()
        }
        let prefix = [2: "0b", 8: "0o", 16: "0x"][base]
        if let prefix, digits.lowercased().hasPrefix(prefix) {
            digits.removeFirst(2)
            if digits.first == "_" { digits.removeFirst() }
        }
        let groups = digits.split(separator: "_", omittingEmptySubsequences: false)
        let isNumber = groups.allSatisfy { group in
            !group.isEmpty && group.allSatisfy { Int(String($0), radix: base) != nil }
        }
        guard isNumber else { return nil }
        guard let integer = Int(sign + groups.joined(), radix: base) else {
            throw failure("int: the number \(digits) does not fit 64 bits")
        }
        return integer
    }

    /// A number as Python's `float(value)` reads it; nil where it reads none.
    private func float(from value: TemplateValue) throws(ChatTemplateError) -> Double? {
        guard case .string(let text) = value else { return value.double }
        try pay(scanning: text.count)
        guard let digits = ascii(text.stripped())?.lowercased() else { return nil }
        let name = digits.first == "-" || digits.first == "+" ? digits.dropFirst() : digits[...]
        if ["inf", "infinity", "nan"].contains(name) { return Double(digits) }
        guard digits.allSatisfy({ "0123456789.e+-_".contains($0) }) else { return nil }
        let groups = digits.split(separator: "_", omittingEmptySubsequences: false)
        for (left, right) in zip(groups, groups.dropFirst()) {
            guard left.last?.isNumber == true, right.first?.isNumber == true else { return nil }
        }
        // Python takes "1." and ".5", Swift wants digits on both sides.
        let number = groups.joined()
        return Double(number) ?? withZeros(number)
    }

    private func withZeros(_ number: String) -> Double? {
        guard let dot = number.firstIndex(of: ".") else { return nil }
        let (left, right) = (number[..<dot], number[number.index(after: dot)...])
        let hasLeft = left.last?.isNumber == true
        let hasRight = right.first?.isNumber == true
        guard hasLeft != hasRight else { return nil }
        return Double(hasLeft ? left + ".0" + right : left + "0." + right)
    }

    /// The text in ASCII, decimal digits of all scripts included; nil where it has other letters.
    private func ascii(_ text: TemplateString) -> String? {
        var result = ""
        for scalar in text.scalars {
            if scalar.value < 0x80 {
                result.unicodeScalars.append(scalar.scalar)
            } else if scalar.scalar.properties.numericType == .decimal,
                let value = scalar.scalar.properties.numericValue
            {
                result += String(Int(value))
            } else {
                return nil
            }
        }
        return result
    }
}

extension TemplateInterpreter {
    private func round(
        _ value: TemplateValue, _ arguments: TemplateCallArguments
    ) throws(ChatTemplateError) -> TemplateValue {
        let bound = try bind(arguments, to: ["precision", "method"], of: "round")
        let precision = try integer(bound[0], "precision") ?? 0
        let method = try string(bound[1], "method")?.text ?? "common"
        guard let number = value.double else {
            throw failure("round: a \(value.typeName) is no number")
        }
        guard (-300...300).contains(precision) else {
            throw failure("round: the precision \(precision) is beyond 300 digits")
        }
        switch method {
        case "common":
            if let integer = value.integer { return .integer(rounded(integer, precision)) }
            return .float(rounded(number, precision))
        case "ceil", "floor":
            let scale = pow(10, Double(precision))
            let scaled = number * scale
            return .float((method == "ceil" ? scaled.rounded(.up) : scaled.rounded(.down)) / scale)
        default:
            throw failure("round: the method is '\(method)'; common, ceil or floor is expected")
        }
    }

    private func rounded(_ integer: Int, _ precision: Int) -> Int {
        guard precision < 0 else { return integer }
        guard precision > -19 else { return 0 }
        let unit = (0..<(-precision)).reduce(1) { value, _ in value * 10 }
        let remainder = ((integer % unit) + unit) % unit
        let (low, _) = integer.subtractingReportingOverflow(remainder)
        let isOdd = (low / unit) % 2 != 0
        let goesUp = remainder > unit / 2 || (remainder == unit / 2 && isOdd)
        return goesUp ? low.addingReportingOverflow(unit).partialValue : low
    }

    private func rounded(_ number: Double, _ precision: Int) -> Double {
        guard number.isFinite else { return number }
        guard precision < 0 else {
            return Double(formatted(number, "f", precision: precision)) ?? number
        }
        let unit = pow(10, Double(-precision))
        return (number / unit).rounded(.toNearestOrEven) * unit
    }

    /// A number as C's `printf` writes it with `%.{precision}{conversion}`.
    func formatted(_ number: Double, _ conversion: String, precision: Int) -> String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 1024) { buffer in
            let length = withVaList([Int32(clamping: precision), number]) {
                vsnprintf(buffer.baseAddress, buffer.count, "%.*" + conversion, $0)
            }
            let bytes = buffer[..<max(0, min(Int(length), buffer.count - 1))]
            return String(decoding: bytes.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
    }
}
