// Python's two ways to fill in a text: `"%s" % value` and `"{}".format(value)`, with values printed
// as they are. Widths, alignments and precisions are refused by name: no chat template lays out
// tables. What is filled in keeps its author.

extension TemplateInterpreter {
    /// `format % value`.
    func formatted(
        _ format: TemplateString, with value: TemplateValue
    ) throws(ChatTemplateError) -> TemplateString {
        try pay(making: format.count)
        var values = [value][...]
        if case .tuple(let list) = value { values = list.elements[...] }
        var result = TemplateString([])
        var rest = format.scalars[...]
        while let scalar = rest.popFirst() {
            if scalar.scalar == "%", rest.first?.scalar != "%" {
                let conversion = rest.popFirst()?.scalar
                guard let argument = values.popFirst() else {
                    throw failure("'%' has fewer values than places to put them")
                }
                let text = try converted(argument, conversion)
                try pay(making: text.count)
                result += text
            } else {
                if scalar.scalar == "%" { rest.removeFirst() }
                result.scalars.append(scalar)
            }
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

    private func converted(
        _ value: TemplateValue, _ conversion: Unicode.Scalar?
    ) throws(ChatTemplateError) -> TemplateString {
        switch conversion {
        case "s": return try text(of: value)
        case "r": return try repr(of: value)
        case "d", "i":
            let whole = value.double.flatMap { Int(exactly: $0.rounded(.towardZero)) }
            guard let integer = value.integer ?? whole else {
                throw failure("a \(value.typeName) is put where a whole number is expected")
            }
            return TemplateString(String(integer))
        default: throw failure("'%' is followed by no conversion known here; %s, %d and %r are")
        }
    }

    /// `format.format(values…)`.
    func format(
        _ format: TemplateString, _ arguments: TemplateCallArguments
    ) throws(ChatTemplateError) -> TemplateString {
        var result = TemplateString([])
        var rest = format.scalars[...]
        var automatic = 0
        while let scalar = rest.popFirst() {
            let isDoubled = rest.first?.value == scalar.value
            switch scalar.scalar {
            case "{" where !isDoubled:
                guard let end = rest.firstIndex(where: { $0.scalar == "}" }) else {
                    throw failure("format: '}' is missing")
                }
                let field = TemplateString(rest[..<end])
                rest = rest[(end + 1)...]
                let text = try filled(field, arguments, automatic: &automatic)
                try pay(making: text.count)
                result += text
            case "}" where !isDoubled: throw failure("format: '}' stands alone")
            case "{", "}":
                rest.removeFirst()
                result.scalars.append(scalar)
            default: result.scalars.append(scalar)
            }
        }
        return result
    }

    /// What stands for a field such as `0`, `name.attribute` or `!r`.
    private func filled(
        _ field: TemplateString, _ arguments: TemplateCallArguments, automatic: inout Int
    ) throws(ChatTemplateError) -> TemplateString {
        let parts = field.split(by: "!", limit: 1)
        let path = parts[0].split(by: ".", limit: .max)
        var value = try argument(path[0].text, arguments, automatic: &automatic)
        for name in path.dropFirst() { value = try attribute(name, of: value) }
        switch parts.dropFirst().first {
        case nil, .some("s"): return try text(of: value)
        case .some("r"): return try repr(of: value)
        case .some(let conversion):
            throw failure("format: '!\(conversion.text)' is not known here; '!r' and '!s' are")
        }
    }

    private func argument(
        _ name: String, _ arguments: TemplateCallArguments, automatic: inout Int
    ) throws(ChatTemplateError) -> TemplateValue {
        guard !name.contains(":") else {
            throw failure("format: the layout in '{\(name)}' is not known here; leave it out")
        }
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
}
