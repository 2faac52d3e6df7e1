// Expressions, one function per level of precedence: condition, or, and, not, comparison, sum,
// concatenation, product, power, sign, and the literals; what follows a value is in
// TemplateParser+Postfix. Filters and tests bind tighter than any operator but a sign, so
// `-x | abs` is `(-x) | abs`. A chain counts as nesting, for its tree is as deep as it is long.

extension TemplateParser {
    mutating func expression(
        allowsCondition: Bool = true
    ) throws(ChatTemplateError) -> TemplateExpression {
        try deepen()
        defer { depth -= 1 }
        var value = try disjunction()
        let outer = depth
        defer { depth = outer }
        while allowsCondition, takeName("if") {
            try deepen()
            let test = try disjunction()
            let otherwise = takeName("else") ? try expression() : nil
            value = .conditional(
                TemplateCondition(test: test, value: value, otherwise: otherwise))
        }
        return value
    }

    /// An expression, or several with commas between them.
    mutating func tuple(
        allowsCondition: Bool = true, endingAt end: String? = nil, inParentheses: Bool = false
    ) throws(ChatTemplateError) -> TemplateExpression {
        var elements: [TemplateExpression] = []
        var isTuple = false
        while !isTupleEnd(end) {
            elements.append(try expression(allowsCondition: allowsCondition))
            guard take(",") else { break }
            isTuple = true
        }
        if !isTuple, let element = elements.first { return element }
        guard isTuple || inParentheses else {
            throw failure("\(current.description) stands where an expression is expected")
        }
        return .tuple(elements)
    }

    private func isTupleEnd(_ end: String?) -> Bool {
        switch current {
        case .outputEnd, .tagEnd, .symbol(")"): true
        case .name(let name): name == end
        default: false
        }
    }

    private mutating func disjunction() throws(ChatTemplateError) -> TemplateExpression {
        let outer = depth
        defer { depth = outer }
        var left = try conjunction()
        while takeName("or") {
            try deepen()
            left = .or(left, try conjunction())
        }
        return left
    }

    private mutating func conjunction() throws(ChatTemplateError) -> TemplateExpression {
        let outer = depth
        defer { depth = outer }
        var left = try negation()
        while takeName("and") {
            try deepen()
            left = .and(left, try negation())
        }
        return left
    }

    private mutating func negation() throws(ChatTemplateError) -> TemplateExpression {
        guard takeName("not") else { return try comparison() }
        try deepen()
        defer { depth -= 1 }
        return .not(try negation())
    }

    private mutating func comparison() throws(ChatTemplateError) -> TemplateExpression {
        let line = line
        let first = try sum()
        var links: [TemplateComparison] = []
        while let comparator = takeComparator() {
            links.append(TemplateComparison(comparator: comparator, operand: try sum()))
        }
        return links.isEmpty ? first : .comparison(first, links, line: line)
    }

    private mutating func takeComparator() -> TemplateComparator? {
        switch current {
        case .symbol(let symbol):
            guard let comparator = TemplateComparator(rawValue: symbol) else { return nil }
            advance()
            return comparator
        case .name("in"):
            advance()
            return .isIn
        case .name("not") where next == .name("in"):
            advance()
            advance()
            return .isNotIn
        default: return nil
        }
    }

    /// A chain of operators of one level, grouped from the left.
    private mutating func chain(
        of symbols: [String],
        _ operand: (inout TemplateParser) throws(ChatTemplateError) -> TemplateExpression
    ) throws(ChatTemplateError) -> TemplateExpression {
        let outer = depth
        defer { depth = outer }
        var left = try operand(&self)
        while case .symbol(let symbol) = current, symbols.contains(symbol),
            let operation = ArithmeticOperator(rawValue: symbol)
        {
            let line = advance().line
            try deepen()
            left = .arithmetic(operation, left, try operand(&self), line: line)
        }
        return left
    }

    private mutating func sum() throws(ChatTemplateError) -> TemplateExpression {
        try chain(of: ["+", "-"]) { parser throws(ChatTemplateError) in
            try parser.concatenation()
        }
    }

    private mutating func concatenation() throws(ChatTemplateError) -> TemplateExpression {
        let line = line
        let first = try product()
        guard current == .symbol("~") else { return first }
        var parts = [first]
        while take("~") { parts.append(try product()) }
        return .concatenation(parts, line: line)
    }

    private mutating func product() throws(ChatTemplateError) -> TemplateExpression {
        try chain(of: ["*", "/", "//", "%"]) { parser throws(ChatTemplateError) in
            try parser.power()
        }
    }

    private mutating func power() throws(ChatTemplateError) -> TemplateExpression {
        try chain(of: ["**"]) { parser throws(ChatTemplateError) in try parser.signed() }
    }

    private mutating func signed(
        withFilters: Bool = true
    ) throws(ChatTemplateError) -> TemplateExpression {
        let outer = depth
        defer { depth = outer }
        let line = line
        var value: TemplateExpression
        if current == .symbol("-") || current == .symbol("+") {
            let isMinus = advance().kind == .symbol("-")
            try deepen()
            let operand = try signed(withFilters: false)
            value = isMinus ? .negate(operand, line: line) : .plus(operand, line: line)
        } else {
            value = try primary()
        }
        value = try postfix(value)
        return withFilters ? try filtersAndTests(value) : value
    }
}

extension TemplateParser {
    mutating func primary() throws(ChatTemplateError) -> TemplateExpression {
        switch current {
        case .name(let name):
            advance()
            return named(name)
        case .string(var text):
            advance()
            while case .string(let more) = current {
                text += more
                advance()
            }
            return .string(TemplateString(text))
        case .integer(let value):
            advance()
            return .integer(value)
        case .float(let value):
            advance()
            return .float(value)
        case .symbol("("):
            advance()
            let value = try tuple(inParentheses: true)
            try expect(.symbol(")"))
            return value
        case .symbol("["): return .list(try list())
        case .symbol("{"): return .dictionary(try dictionary())
        default: throw failure("\(current.description) stands where a value is expected")
        }
    }

    private mutating func named(_ name: String) -> TemplateExpression {
        switch name {
        case "true", "True": return .boolean(true)
        case "false", "False": return .boolean(false)
        case "none", "None": return .none
        default:
            mentions.insert(name)
            return .name(TemplateString(name))
        }
    }

    private mutating func list() throws(ChatTemplateError) -> [TemplateExpression] {
        advance()
        var elements: [TemplateExpression] = []
        while current != .symbol("]") {
            elements.append(try expression())
            guard take(",") else { break }
        }
        try expect(.symbol("]"))
        return elements
    }

    private mutating func dictionary() throws(ChatTemplateError) -> [TemplatePair] {
        advance()
        var pairs: [TemplatePair] = []
        while current != .symbol("}") {
            let key = try expression()
            try expect(.symbol(":"))
            pairs.append(TemplatePair(key: key, value: try expression()))
            guard take(",") else { break }
        }
        try expect(.symbol("}"))
        return pairs
    }
}
