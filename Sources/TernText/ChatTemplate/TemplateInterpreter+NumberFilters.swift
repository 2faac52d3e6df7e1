// The filters that make numbers, and Python's way to read numbers from text.

extension TemplateInterpreter {
    func applyNumber(
        _ filter: TemplateFilter, to value: TemplateValue, _ arguments: TemplateCallArguments
    ) throws(ChatTemplateError) -> TemplateValue {
        if case .undefined(let reason) = value { throw failure(reason) }
        switch filter {
        case .int:
            let bound = try bind(arguments, to: ["default"], of: "int")
            return try integer(from: value) ?? bound[0] ?? .integer(0)
        case .float:
            let bound = try bind(arguments, to: ["default"], of: "float")
            return try float(from: value).map { .float($0) } ?? bound[0] ?? .float(0)
        default: preconditionFailure("'\(filter.rawValue)' is no filter on numbers")
        }
    }

    private func integer(
        from value: TemplateValue
    ) throws(ChatTemplateError) -> TemplateValue? {
        if let integer = value.integer { return .integer(integer) }
        if case .string(let text) = value, let integer = try integer(from: text) {
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

    /// A whole number as Python's `int(text)` reads it; nil where it reads none.
    private func integer(
        from text: TemplateString
    ) throws(ChatTemplateError) -> Int? {
        try pay(scanning: text.count)
        guard var digits = ascii(text.stripped()) else { return nil }
        var sign = ""
        if let first = digits.first, first == "-" || first == "+" {
            sign = first == "-" ? "-" : ""
            digits.removeFirst()
        }
        let groups = digits.split(separator: "_", omittingEmptySubsequences: false)
        let isNumber = groups.allSatisfy { group in
            !group.isEmpty && group.allSatisfy { ("0"..."9").contains($0) }
        }
        guard isNumber else { return nil }
        guard let integer = Int(sign + groups.joined()) else {
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
