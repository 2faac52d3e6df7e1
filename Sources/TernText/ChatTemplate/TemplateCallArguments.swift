// The arguments of a call once evaluated, and how they meet the parameters of what is called.

/// Values given by position and by name.
struct TemplateCallArguments {
    var positional: [TemplateValue] = []
    var keywords: [(name: String, value: TemplateValue)] = []
}

/// Arguments in the order of the parameters they were given to.
struct TemplateBoundArguments {
    let values: [TemplateValue?]

    /// The argument of a parameter; nil where none was given.
    subscript(index: Int) -> TemplateValue? { values[index] }
}

extension TemplateInterpreter {
    func evaluate(
        _ arguments: TemplateArguments, in scope: TemplateScope
    ) throws(ChatTemplateError) -> TemplateCallArguments {
        var values = TemplateCallArguments()
        values.positional = try evaluate(arguments.positional, in: scope)
        for (name, expression) in arguments.keywords {
            values.keywords.append((name, try evaluate(expression, in: scope)))
        }
        if let spread = arguments.spread {
            values.positional += try elements(of: try evaluate(spread, in: scope))
        }
        guard let spread = arguments.keywordSpread else { return values }
        guard case .dictionary(let dictionary) = try evaluate(spread, in: scope) else {
            throw failure("what follows '**' in a call is no dictionary")
        }
        for entry in dictionary.entries {
            guard case .string(let name) = entry.key else {
                throw failure("what follows '**' in a call has a key that is no string")
            }
            values.keywords.append((name.text, entry.value))
        }
        return values
    }

    /// Gives arguments to parameters, the first `required` of which must get one.
    func bind(
        _ arguments: TemplateCallArguments, to parameters: [String], required: Int = 0,
        of function: String
    ) throws(ChatTemplateError) -> TemplateBoundArguments {
        guard arguments.positional.count <= parameters.count else {
            throw failure(
                "\(function) takes at most \(parameters.count) arguments, "
                    + "not \(arguments.positional.count)")
        }
        var values: [TemplateValue?] = arguments.positional
        values += [TemplateValue?](repeating: nil, count: parameters.count - values.count)
        for (name, value) in arguments.keywords {
            guard let place = parameters.firstIndex(of: name) else {
                throw failure("\(function) has no parameter '\(name)'")
            }
            guard values[place] == nil else {
                throw failure("\(function) is given '\(name)' twice")
            }
            values[place] = value
        }
        if let missing = values.prefix(required).firstIndex(where: { $0 == nil }) {
            throw failure("\(function) needs the argument '\(parameters[missing])'")
        }
        return TemplateBoundArguments(values: values)
    }

    /// An argument that must be a whole number.
    func integer(
        _ value: TemplateValue?, _ name: String
    ) throws(ChatTemplateError) -> Int? {
        guard let value else { return nil }
        guard let integer = value.integer else {
            throw failure("'\(name)' is \(value.typeName); a whole number is expected")
        }
        return integer
    }

    /// An argument that must be a string.
    func string(
        _ value: TemplateValue?, _ name: String
    ) throws(ChatTemplateError) -> TemplateString? {
        guard let value else { return nil }
        guard case .string(let text) = value else {
            throw failure("'\(name)' is \(value.typeName); a string is expected")
        }
        return text
    }

    /// An argument that counts as true or false.
    func flag(_ value: TemplateValue?) throws(ChatTemplateError) -> Bool {
        try value.map { value throws(ChatTemplateError) in try isTrue(value) } ?? false
    }
}
