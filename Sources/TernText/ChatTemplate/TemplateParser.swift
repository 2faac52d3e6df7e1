// Turns tokens into the tree of statements; expressions are in TemplateParser+Expressions. Nesting
// is bounded, so that neither this parser nor whoever walks the tree can run out of stack. Checked
// against jinja2 3.1, parser.py; `include`, `import`, `extends`, `block` and `autoescape` are
// refused, for a chat template stands alone.

/// A recursive-descent parser over tokens.
struct TemplateParser {
    /// Deeper nesting is refused. Real templates stay below 20.
    static let maximumDepth = 100

    private let tokens: [TemplateToken]
    private var position = 0
    var depth = 0
    private var loops = 0
    /// How many `if` bodies surround the cursor: what is unknown inside one fails only if reached.
    private(set) var conditions = 0
    /// Names mentioned so far, for the macro being read.
    var mentions: Set<String> = []
    /// Every string constant of the template.
    private(set) var constants: Set<TemplateString> = []

    /// Reads a whole template.
    static func parse(
        _ source: String
    ) throws(ChatTemplateError) -> (body: [TemplateStatement], constants: Set<TemplateString>) {
        var parser = TemplateParser(tokens: try TemplateLexer.tokens(of: source))
        let body = try parser.statements(until: [])
        return (body, parser.constants)
    }

    private init(tokens: [TemplateToken]) {
        precondition(
            tokens.last?.kind == .end, "tokens end with \(String(describing: tokens.last))")
        self.tokens = tokens
    }

    /// Reads statements up to a tag with one of the given names (its name is passed, the rest of
    /// it is not), or up to the end of the template where none is given.
    mutating func statements(
        until ends: [String]
    ) throws(ChatTemplateError) -> [TemplateStatement] {
        let opened = tokens[max(0, position - 1)].line
        try deepen()
        defer { depth -= 1 }
        var statements: [TemplateStatement] = []
        while true {
            let token = advance()
            switch token.kind {
            case .text(let text): statements.append(.text(text))
            case .outputBegin:
                statements.append(.output(try tuple(), line: token.line))
                try expect(.outputEnd)
            case .tagBegin:
                if case .name(let name) = current, ends.contains(name) { return statements }
                statements.append(try statement())
                try expect(.tagEnd)
            case .end where ends.isEmpty: return statements
            default:
                let expected = ends.map { "{% \($0) %}" }.joined(separator: " or ")
                throw failure("\(expected) is missing for the block opened here", line: opened)
            }
        }
    }

    private mutating func statement() throws(ChatTemplateError) -> TemplateStatement {
        guard case .name(let keyword) = current else {
            throw failure("\(current.description) stands where a tag's name is expected")
        }
        let opened = advance().line
        switch keyword {
        case "if": return try branches()
        case "for": return try loop(line: opened)
        case "set": return try set(line: opened)
        case "macro": return try macro()
        case "call": return try callBlock(line: opened)
        case "filter": return try filterBlock(line: opened)
        case "with": return try with()
        case "print": return .output(.concatenation(try printed(), line: opened), line: opened)
        case "generation": return .scope(try block("endgeneration"))
        case "break", "continue":
            guard loops > 0 else { throw failure("'\(keyword)' stands outside a loop") }
            return keyword == "break" ? .breakLoop : .continueLoop
        case "include", "import", "from", "extends", "block", "autoescape", "do":
            throw failure("'{% \(keyword) %}' is not part of chat templates")
        default:
            throw failure("'{% \(keyword) %}' is unknown here")
        }
    }

    private mutating func printed() throws(ChatTemplateError) -> [TemplateExpression] {
        var expressions: [TemplateExpression] = []
        while current != .tagEnd {
            if !expressions.isEmpty { try expect(.symbol(",")) }
            expressions.append(try expression())
        }
        return expressions
    }

    /// A body up to a tag with one name, which is passed.
    private mutating func block(_ end: String) throws(ChatTemplateError) -> [TemplateStatement] {
        let body = try body(until: [end])
        advance()
        return body
    }

    private mutating func body(
        until ends: [String]
    ) throws(ChatTemplateError) -> [TemplateStatement] {
        take(":")
        try expect(.tagEnd)
        return try statements(until: ends)
    }

    private mutating func branches() throws(ChatTemplateError) -> TemplateStatement {
        var branches: [TemplateBranch] = []
        while true {
            let test = try tuple(allowsCondition: false)
            conditions += 1
            defer { conditions -= 1 }
            let body = try body(until: ["elif", "else", "endif"])
            branches.append(TemplateBranch(test: test, body: body))
            switch advance().kind {
            case .name("elif"): continue
            case .name("else"): return .branches(branches, otherwise: try block("endif"))
            default: return .branches(branches, otherwise: [])
            }
        }
    }

    private mutating func loop(line: Int) throws(ChatTemplateError) -> TemplateStatement {
        let target = try target(endingAt: "in")
        try expectName("in")
        let iterable = try tuple(allowsCondition: false, endingAt: "recursive")
        let filter = takeName("if") ? try expression() : nil
        let isRecursive = takeName("recursive")
        loops += 1
        let body = try body(until: ["endfor", "else"])
        loops -= 1
        let hasElse = advance().kind == .name("else")
        let otherwise = hasElse ? try block("endfor") : []
        return .loop(
            TemplateLoop(
                target: target, iterable: iterable, filter: filter, isRecursive: isRecursive,
                body: body, otherwise: otherwise, line: line))
    }

    private mutating func set(line: Int) throws(ChatTemplateError) -> TemplateStatement {
        let target = try target(allowsAttribute: true)
        if take("=") { return .set(target, try tuple(), line: line) }
        let filters = try filterCalls()
        return .setBlock(target, filters, try isolated(end: "endset"), line: line)
    }

    private mutating func filterBlock(line: Int) throws(ChatTemplateError) -> TemplateStatement {
        let filters = [try filterCall()] + (try filterCalls())
        return .filterBlock(filters, try isolated(end: "endfilter"), line: line)
    }

    private mutating func with() throws(ChatTemplateError) -> TemplateStatement {
        var bindings: [(target: TemplateTarget, value: TemplateExpression)] = []
        while current != .tagEnd {
            if !bindings.isEmpty { try expect(.symbol(",")) }
            let target = try target()
            try expect(.symbol("="))
            bindings.append((target, try expression()))
        }
        return .with(bindings, try block("endwith"))
    }

    private mutating func macro() throws(ChatTemplateError) -> TemplateStatement {
        let name = try identifier()
        return .macro(try macro(named: name, parameters: parameters(), end: "endmacro"))
    }

    private mutating func callBlock(line: Int) throws(ChatTemplateError) -> TemplateStatement {
        let parameters = current == .symbol("(") ? try parameters() : []
        guard case .call(let callee, let arguments, _) = try expression() else {
            throw failure("a call is expected after '{% call %}'", line: line)
        }
        let body = try macro(named: "caller", parameters: parameters, end: "endcall")
        return .callBlock(body, callee, arguments, line: line)
    }

    private mutating func macro(
        named name: String, parameters: [TemplateParameter], end: String
    ) throws(ChatTemplateError) -> TemplateMacro {
        let outer = mentions
        mentions = []
        let body = try isolated(end: end)
        defer { mentions.formUnion(outer) }
        return TemplateMacro(name: name, parameters: parameters, body: body, mentions: mentions)
    }

    /// Reads a body that `break` and `continue` cannot leave.
    private mutating func isolated(
        end: String
    ) throws(ChatTemplateError) -> [TemplateStatement] {
        let outer = loops
        loops = 0
        defer { loops = outer }
        return try block(end)
    }

    private mutating func parameters() throws(ChatTemplateError) -> [TemplateParameter] {
        var parameters: [TemplateParameter] = []
        try expect(.symbol("("))
        while current != .symbol(")") {
            if !parameters.isEmpty { try expect(.symbol(",")) }
            let name = try identifier()
            let value = take("=") ? try expression() : nil
            if value == nil, parameters.last?.defaultValue != nil {
                throw failure("parameter '\(name)' needs a default, as the one before it has one")
            }
            parameters.append(TemplateParameter(name: name, defaultValue: value))
        }
        advance()
        return parameters
    }
}

extension TemplateParser {
    /// The kind of the token at the cursor.
    var current: TemplateToken.Kind { tokens[position].kind }

    /// The kind of the token after it.
    var next: TemplateToken.Kind { tokens[min(position + 1, tokens.count - 1)].kind }

    /// The line at the cursor.
    var line: Int { tokens[position].line }

    /// Passes a token. The last one, `.end`, is never passed.
    @discardableResult
    mutating func advance() -> TemplateToken {
        let token = tokens[position]
        if position < tokens.count - 1 { position += 1 }
        if case .string(let text) = token.kind { constants.insert(TemplateString(text)) }
        return token
    }

    @discardableResult
    mutating func take(_ symbol: String) -> Bool {
        guard current == .symbol(symbol) else { return false }
        advance()
        return true
    }

    mutating func takeName(_ name: String) -> Bool {
        guard current == .name(name) else { return false }
        advance()
        return true
    }

    mutating func expect(_ kind: TemplateToken.Kind) throws(ChatTemplateError) {
        guard current == kind else {
            throw failure("\(current.description) stands where \(kind.description) is expected")
        }
        advance()
    }

    mutating func expectName(_ name: String) throws(ChatTemplateError) {
        try expect(.name(name))
    }

    mutating func identifier() throws(ChatTemplateError) -> String {
        guard case .name(let name) = current else {
            throw failure("\(current.description) stands where a name is expected")
        }
        advance()
        return name
    }

    /// Enters one level of nesting; callers leave it again.
    mutating func deepen() throws(ChatTemplateError) {
        depth += 1
        guard depth <= Self.maximumDepth else {
            throw ChatTemplateError(
                .limit, line: line, "nested deeper than \(Self.maximumDepth) levels")
        }
    }

    func failure(_ reason: String, line: Int? = nil) -> ChatTemplateError {
        ChatTemplateError(.syntax, line: line ?? self.line, reason)
    }
}
