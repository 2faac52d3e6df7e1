// Python's two ways to fill in a text: `"%s" % value` and `"{}".format(value)`. The common
// conversions, alignments and precisions; what is not known is refused by name. What is filled in
// keeps its author.

/// How one value is laid out.
struct TemplateFormat {
    var fill: MarkedScalar = MarkedScalar(" ", literal: false)
    var alignment: Unicode.Scalar?
    var sign: Unicode.Scalar = "-"
    var width = 0
    var groups = false
    var precision: Int?
    var conversion: Unicode.Scalar = "s"
}

extension TemplateInterpreter {
    /// `format % value`.
    func formatted(
        _ format: TemplateString, with value: TemplateValue
    ) throws(ChatTemplateError) -> TemplateString {
        try pay(making: format.count)
        var values = [value][...]
        if case .tuple(let list) = value { values = list.elements[...] }
        var result = TemplateString([])
        var cursor = TemplateCursor(format)
        while let scalar = cursor.next() {
            guard scalar.scalar == "%" else {
                result.scalars.append(scalar)
                continue
            }
            if cursor.take("%") {
                result.scalars.append(scalar)
                continue
            }
            let key = cursor.take("(") ? cursor.text(upTo: ")") : nil
            let layout = try percentLayout(&cursor)
            let argument = try key.map { key throws(ChatTemplateError) in
                try item(.string(key), of: value)
            }
            guard let argument = argument ?? values.popFirst() else {
                throw failure("'%' has fewer values than places to put them")
            }
            result += try laidOut(argument, layout)
        }
        switch value {
        case .dictionary, .list, .undefined: return result
        default:
            guard values.isEmpty else {
                throw failure("'%' has more values than places to put them")
            }
            return result
        }
    }

    private func percentLayout(
        _ cursor: inout TemplateCursor
    ) throws(ChatTemplateError) -> TemplateFormat {
        var layout = TemplateFormat()
        layout.alignment = ">"
        while let flag = cursor.peek?.scalar, "-0+ #".unicodeScalars.contains(flag) {
            _ = cursor.next()
            switch flag {
            case "-": layout.alignment = "<"
            case "0" where layout.alignment == ">":
                layout.alignment = "="
                layout.fill = MarkedScalar("0", literal: false)
            case "+", " ": layout.sign = flag
            default: break
            }
        }
        layout.width = try cursor.number().map(checkedWidth) ?? 0
        if cursor.take(".") { layout.precision = try cursor.number().map(checkedWidth) ?? 0 }
        guard let conversion = cursor.next()?.scalar,
            "diusrfFeEgGxXoc".unicodeScalars.contains(conversion)
        else { throw failure("'%' is followed by no conversion known here; %s, %d, %f are") }
        layout.conversion = "iu".unicodeScalars.contains(conversion) ? "d" : conversion
        return layout
    }

    private func checkedWidth(_ width: Int) throws(ChatTemplateError) -> Int {
        try pay(making: width)
        return width
    }

    /// `format.format(values…)`.
    func format(
        _ format: TemplateString, _ arguments: TemplateCallArguments
    ) throws(ChatTemplateError) -> TemplateString {
        var result = TemplateString([])
        var cursor = TemplateCursor(format)
        var automatic = 0
        while let scalar = cursor.next() {
            switch scalar.scalar {
            case "{" where !cursor.take("{"):
                guard let field = cursor.text(upTo: "}") else {
                    throw failure("format: '}' is missing")
                }
                result += try filled(field, arguments, automatic: &automatic)
            case "}" where !cursor.take("}"): throw failure("format: '}' stands alone")
            default: result.scalars.append(scalar)
            }
        }
        return result
    }

    private func filled(
        _ field: TemplateString, _ arguments: TemplateCallArguments, automatic: inout Int
    ) throws(ChatTemplateError) -> TemplateString {
        let parts = field.split(by: ":", limit: 1)
        let head = parts[0].split(by: "!", limit: 1)
        let path = head[0].split(by: ".", limit: .max)
        var value = try argument(path[0].text, arguments, automatic: &automatic)
        for name in path.dropFirst() { value = try attribute(name, of: value) }
        if head.count == 2 {
            value = .string(try head[1] == "r" ? repr(of: value) : text(of: value))
        }
        var layout = TemplateFormat()
        if parts.count == 2 {
            layout = try braceLayout(parts[1], value)
        } else if case .string = value {
        } else {
            value = .string(try text(of: value))
        }
        return try laidOut(value, layout)
    }

    private func argument(
        _ name: String, _ arguments: TemplateCallArguments, automatic: inout Int
    ) throws(ChatTemplateError) -> TemplateValue {
        if name.isEmpty || Int(name) != nil {
            let index = Int(name) ?? automatic
            if name.isEmpty { automatic += 1 }
            guard arguments.positional.indices.contains(index) else {
                throw failure("format: there is no argument \(index)")
            }
            return arguments.positional[index]
        }
        guard let argument = arguments.keywords.first(where: { $0.name == name }) else {
            throw failure("format: there is no argument '\(name)'")
        }
        return argument.value
    }

    /// Reads `[[fill]align][sign][0][width][,][.precision][type]`.
    private func braceLayout(
        _ text: TemplateString, _ value: TemplateValue
    ) throws(ChatTemplateError) -> TemplateFormat {
        var layout = TemplateFormat()
        if case .string = value { layout.alignment = "<" } else { layout.alignment = ">" }
        var cursor = TemplateCursor(text)
        let aligners = "<>=^".unicodeScalars
        if text.count > 1, aligners.contains(text.scalars[1].scalar) {
            layout.fill = cursor.next() ?? layout.fill
            layout.alignment = cursor.next()?.scalar
        } else if let first = cursor.peek?.scalar, aligners.contains(first) {
            layout.alignment = cursor.next()?.scalar
        }
        if let sign = cursor.peek?.scalar, "+- ".unicodeScalars.contains(sign) {
            layout.sign = sign
            _ = cursor.next()
        }
        if cursor.take("0") {
            layout.fill = MarkedScalar("0", literal: false)
            layout.alignment = "="
        }
        layout.width = try cursor.number().map(checkedWidth) ?? 0
        layout.groups = cursor.take(",")
        if cursor.take(".") { layout.precision = try cursor.number().map(checkedWidth) ?? 0 }
        let isFloat = if case .float = value { true } else { false }
        let usual: Unicode.Scalar = isFloat ? "g" : value.integer == nil ? "s" : "d"
        layout.conversion = cursor.next()?.scalar ?? usual
        guard cursor.next() == nil, "sdfFeEgGxXo".unicodeScalars.contains(layout.conversion) else {
            throw failure("format: the layout '\(text.text)' is not known here")
        }
        return layout
    }
}

extension TemplateInterpreter {
    private func laidOut(
        _ value: TemplateValue, _ layout: TemplateFormat
    ) throws(ChatTemplateError) -> TemplateString {
        var sign = ""
        var body: TemplateString
        switch layout.conversion {
        case "s", "c": body = try text(of: value)
        case "r": body = try repr(of: value)
        default:
            (sign, body) = try number(value, layout)
            if sign.isEmpty, layout.sign != "-" { sign = String(layout.sign) }
        }
        if "src".unicodeScalars.contains(layout.conversion), let precision = layout.precision {
            body = body[0..<min(precision, body.count)]
        }
        let signText = TemplateString(sign)
        let missing = layout.width - body.count - signText.count
        try pay(making: body.count + max(0, missing))
        guard missing > 0 else { return signText + body }
        func filling(_ count: Int) -> TemplateString {
            TemplateString(repeatElement(layout.fill, count: count))
        }
        switch layout.alignment {
        case "<": return signText + body + filling(missing)
        case "=": return signText + filling(missing) + body
        case "^":
            return filling(missing / 2) + signText + body + filling(missing - missing / 2)
        default: return filling(missing) + signText + body
        }
    }

    /// The sign and the digits of a number.
    private func number(
        _ value: TemplateValue, _ layout: TemplateFormat
    ) throws(ChatTemplateError) -> (sign: String, digits: TemplateString) {
        guard let number = value.double else {
            throw failure("a \(value.typeName) is put where a number is expected")
        }
        var digits: String
        switch layout.conversion {
        case "d", "x", "X", "o":
            guard let integer = value.integer ?? Int(exactly: number.rounded(.towardZero)) else {
                throw failure("\(number) is put where a whole number is expected")
            }
            let radix = layout.conversion == "d" ? 10 : layout.conversion == "o" ? 8 : 16
            digits = String(integer.magnitude, radix: radix, uppercase: layout.conversion == "X")
            digits =
                String(repeating: "0", count: max(0, (layout.precision ?? 0) - digits.count))
                + digits
        default:
            let precision = layout.precision ?? 6
            guard precision <= 300 else { throw failure("more than 300 digits are asked for") }
            digits = formatted(
                number.magnitude, String(layout.conversion), precision: precision)
        }
        if layout.groups { digits = grouped(digits) }
        let isNegative = number < 0 || (number.sign == .minus && value.integer == nil)
        return (isNegative ? "-" : "", TemplateString(digits))
    }

    /// Digits with commas between thousands.
    private func grouped(_ digits: String) -> String {
        let whole = Array(digits.prefix { $0.isNumber })
        var result = ""
        for (index, digit) in whole.enumerated() {
            if index > 0, (whole.count - index) % 3 == 0 { result += "," }
            result.append(digit)
        }
        return result + digits.dropFirst(whole.count)
    }
}

/// Reads a format from left to right.
struct TemplateCursor {
    private let text: TemplateString
    private var position = 0

    init(_ text: TemplateString) { self.text = text }

    var peek: MarkedScalar? { position < text.count ? text.scalars[position] : nil }

    mutating func next() -> MarkedScalar? {
        guard let scalar = peek else { return nil }
        position += 1
        return scalar
    }

    mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard peek?.scalar == scalar else { return false }
        position += 1
        return true
    }

    /// Digits; nil where there are none or more than a width may have.
    mutating func number() -> Int? {
        var value: Int?
        while let digit = peek?.value, (48...57).contains(digit), (value ?? 0) < 1 << 40 {
            value = (value ?? 0) * 10 + Int(digit) - 48
            position += 1
        }
        return value
    }

    /// What stands before a scalar, which is passed too.
    mutating func text(upTo end: Unicode.Scalar) -> TemplateString? {
        guard let place = text.scalars[position...].firstIndex(where: { $0.scalar == end }) else {
            return nil
        }
        defer { position = place + 1 }
        return text[position..<place]
    }
}
