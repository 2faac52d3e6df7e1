// What follows a value: attributes, items, slices, calls with their arguments, filters and tests;
// and the targets of assignments, which look like values. A chain counts as nesting, for its tree
// is as deep as it is long. Checked against jinja2 3.1, parser.py.

extension TemplateParser {
    /// What follows a value without a blank of meaning: attributes, items, calls.
    mutating func postfix(
        _ value: TemplateExpression
    ) throws(ChatTemplateError) -> TemplateExpression {
        var value = value
        while true {
            switch current {
            case .symbol("."): value = try attribute(of: value)
            case .symbol("["): value = try subscripted(value)
            case .symbol("("):
                let line = line
                value = .call(value, try arguments(), line: line)
            default: return value
            }
            try deepen()
        }
    }

    private mutating func attribute(
        of value: TemplateExpression
    ) throws(ChatTemplateError) -> TemplateExpression {
        let line = advance().line
        switch current {
        case .name(let name):
            advance()
            return .attribute(value, TemplateString(name), line: line)
        case .integer(let index):
            advance()
            return .item(value, .integer(index), line: line)
        default: throw failure("\(current.description) stands where an attribute is expected")
        }
    }

    private mutating func subscripted(
        _ value: TemplateExpression
    ) throws(ChatTemplateError) -> TemplateExpression {
        let line = advance().line
        if take("]") { return .item(value, .tuple([]), line: line) }
        let isBound = current != .symbol(":")
        let start = isBound ? try tuple(endingAtBracket: true) : nil
        if take(":") {
            let stop = try bound()
            let step = take(":") ? try bound() : nil
            try expect(.symbol("]"))
            return .slice(value, TemplateSlice(start: start, stop: stop, step: step), line: line)
        }
        try expect(.symbol("]"))
        guard let start else { throw failure("an index is expected between brackets") }
        return .item(value, start, line: line)
    }

    /// An index, which may be several with commas between them.
    private mutating func tuple(
        endingAtBracket: Bool
    ) throws(ChatTemplateError) -> TemplateExpression {
        let first = try expression()
        guard current == .symbol(",") else { return first }
        var elements = [first]
        while take(","), current != .symbol("]") { elements.append(try expression()) }
        return .tuple(elements)
    }

    private mutating func bound() throws(ChatTemplateError) -> TemplateExpression? {
        current == .symbol(":") || current == .symbol("]") ? nil : try expression()
    }

    mutating func filtersAndTests(
        _ value: TemplateExpression
    ) throws(ChatTemplateError) -> TemplateExpression {
        var value = value
        while true {
            switch current {
            case .symbol("|"):
                advance()
                value = .filter(value, try filterCall())
            case .name("is"): value = try test(value)
            case .symbol("("):
                let line = line
                value = .call(value, try arguments(), line: line)
            default: return value
            }
            try deepen()
        }
    }

    /// A filter's name and arguments, after its bar.
    mutating func filterCall() throws(ChatTemplateError) -> TemplateFilterCall {
        let line = line
        let name = try identifier()
        let arguments = current == .symbol("(") ? try arguments() : TemplateArguments()
        let filter = TemplateFilter(named: name)
        guard filter != nil || conditions > 0 else {
            throw failure("there is no filter '\(name)'", line: line)
        }
        return TemplateFilterCall(filter: filter, name: name, arguments: arguments, line: line)
    }

    /// Filters, each after its bar.
    mutating func filterCalls() throws(ChatTemplateError) -> [TemplateFilterCall] {
        var calls: [TemplateFilterCall] = []
        while take("|") { calls.append(try filterCall()) }
        return calls
    }

    private mutating func test(
        _ value: TemplateExpression
    ) throws(ChatTemplateError) -> TemplateExpression {
        let line = advance().line
        let isNegated = takeName("not")
        let name = try identifier()
        let test = TemplateTest(named: name)
        guard test != nil || conditions > 0 else {
            throw failure("there is no test '\(name)'", line: line)
        }
        var arguments = TemplateArguments()
        if current == .symbol("(") {
            arguments = try self.arguments()
        } else if startsTestArgument {
            arguments.positional = [try postfix(try primary())]
        }
        let call = TemplateTestCall(test: test, name: name, arguments: arguments, line: line)
        return isNegated ? .not(.test(value, call)) : .test(value, call)
    }

    private var startsTestArgument: Bool {
        switch current {
        case .name(let name): !["else", "or", "and", "is"].contains(name)
        case .string, .integer, .float, .symbol("["), .symbol("{"): true
        default: false
        }
    }

    private mutating func arguments() throws(ChatTemplateError) -> TemplateArguments {
        let line = line
        advance()
        var arguments = TemplateArguments()
        while current != .symbol(")") {
            guard arguments.keywordSpread == nil else {
                throw failure("nothing may follow '**' in a call", line: line)
            }
            try argument(into: &arguments)
            guard take(",") else { break }
        }
        try expect(.symbol(")"))
        return arguments
    }

    private mutating func argument(
        into arguments: inout TemplateArguments
    ) throws(ChatTemplateError) {
        if take("*") {
            arguments.spread = try expression()
        } else if take("**") {
            arguments.keywordSpread = try expression()
        } else if case .name(let name) = current, next == .symbol("=") {
            advance()
            advance()
            arguments.keywords.append((name, try expression()))
        } else {
            guard arguments.keywords.isEmpty, arguments.spread == nil else {
                throw failure("an argument without a name follows one with a name")
            }
            arguments.positional.append(try expression())
        }
    }
}

extension TemplateParser {
    /// What may be assigned to: a name, names with commas between them, an attribute of a
    /// namespace.
    mutating func target(
        endingAt end: String? = nil, allowsAttribute: Bool = false
    ) throws(ChatTemplateError) -> TemplateTarget {
        try deepen()
        defer { depth -= 1 }
        let line = line
        var targets: [TemplateTarget] = []
        var isTuple = false
        while !isTargetEnd(end) {
            targets.append(try singleTarget(allowsAttribute: allowsAttribute))
            guard take(",") else { break }
            isTuple = true
        }
        if !isTuple, let target = targets.first { return target }
        return .tuple(targets, line: line)
    }

    private func isTargetEnd(_ end: String?) -> Bool {
        if case .name(let name) = current { return name == end }
        return current == .symbol(")") || current == .tagEnd
    }

    private mutating func singleTarget(
        allowsAttribute: Bool
    ) throws(ChatTemplateError) -> TemplateTarget {
        let line = line
        if take("(") {
            let target = try target(allowsAttribute: allowsAttribute)
            try expect(.symbol(")"))
            return target
        }
        let name = try identifier()
        if allowsAttribute, take(".") {
            mentions.insert(name)
            return .namespaceAttribute(
                TemplateString(name), TemplateString(try identifier()), line: line)
        }
        return .name(TemplateString(name))
    }
}
