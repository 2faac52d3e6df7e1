// Walks the tree of a template and writes the prompt: statements, scopes and loops. Expressions,
// operators, calls, filters and tests are its extensions. Every step pays the meter, every level
// of recursion is counted. Checked against jinja2 3.1, runtime.py and compiler.py.

/// One rendering of one template.
final class TemplateInterpreter {
    let limits: TemplateLimits
    let clock: CivilTime?
    private var meter: TemplateMeter
    private var depth = 0
    /// The line being worked on, for messages.
    var line = 1
    /// What has been written to the block being rendered, piece by piece.
    private var output: [TemplateString] = []
    private var outputCount = 0
    /// What may hold itself, and is emptied at the end.
    private var namespaces: [TemplateNamespace] = []
    private var scopes: [TemplateScope] = []

    init(limits: TemplateLimits, clock: CivilTime?) {
        self.limits = limits
        self.clock = clock
        meter = TemplateMeter(limits)
    }

    /// Renders a template with the given names defined.
    func render(
        _ body: [TemplateStatement], with names: [(TemplateString, TemplateValue)]
    ) throws(ChatTemplateError) -> [TemplateString] {
        let scope = TemplateScope()
        for (name, value) in names { scope.set(name, to: value) }
        defer {
            namespaces.forEach { $0.clear() }
            scopes.forEach { $0.clear() }
        }
        _ = try execute(body, in: scope)
        return output
    }

    /// How a statement ended.
    enum Flow { case next, breakLoop, continueLoop }

    func execute(
        _ statements: [TemplateStatement], in scope: TemplateScope
    ) throws(ChatTemplateError) -> Flow {
        try enter()
        defer { leave() }
        for statement in statements {
            try pay(meter.step())
            let flow = try execute(statement, in: scope)
            guard flow == .next else { return flow }
        }
        return .next
    }

    private func execute(
        _ statement: TemplateStatement, in scope: TemplateScope
    ) throws(ChatTemplateError) -> Flow {
        switch statement {
        case .text(let text): try write(text)
        case .output(let expression, let line):
            self.line = line
            try write(try text(of: try evaluate(expression, in: scope)))
        case .branches(let branches, let otherwise):
            for branch in branches where try isTrue(try evaluate(branch.test, in: scope)) {
                return try execute(branch.body, in: scope)
            }
            return try execute(otherwise, in: scope)
        case .loop(let loop): try execute(loop, in: scope)
        case .set(let target, let expression, let line):
            self.line = line
            try assign(try evaluate(expression, in: scope), to: target, in: scope)
        case .setBlock(let target, let filters, let body, let line):
            let text = try captured(body, filters, line: line, in: scope)
            try assign(text, to: target, in: scope)
        case .filterBlock(let filters, let body, let line):
            let text = try captured(body, filters, line: line, in: scope)
            try write(try self.text(of: text))
        case .macro(let macro):
            try pay(making: 128)
            scopes.append(scope)
            scope.set(TemplateString(macro.name), to: .macro(TemplateClosure(macro, in: scope)))
        case .callBlock(let body, let callee, let arguments, let line):
            try executeCall(body, callee, arguments, line: line, in: scope)
        case .with(let bindings, let body):
            return try execute(body, in: try bind(bindings, in: scope))
        case .scope(let body): return try execute(body, in: TemplateScope(parent: scope))
        case .breakLoop: return .breakLoop
        case .continueLoop: return .continueLoop
        }
        return .next
    }

    /// A scope with names of its own.
    private func bind(
        _ bindings: [(target: TemplateTarget, value: TemplateExpression)], in scope: TemplateScope
    ) throws(ChatTemplateError) -> TemplateScope {
        let inner = TemplateScope(parent: scope)
        for binding in bindings {
            let value = try evaluate(binding.value, in: scope)
            try assign(value, to: binding.target, in: inner)
        }
        return inner
    }

    private func executeCall(
        _ body: TemplateMacro, _ callee: TemplateExpression, _ arguments: TemplateArguments,
        line: Int, in scope: TemplateScope
    ) throws(ChatTemplateError) {
        let function = try evaluate(callee, in: scope)
        var arguments = try evaluate(arguments, in: scope)
        arguments.keywords.append(("caller", .macro(TemplateClosure(body, in: scope))))
        self.line = line
        try write(try text(of: try call(function, arguments)))
    }

    /// What a body writes, through filters.
    private func captured(
        _ body: [TemplateStatement], _ filters: [TemplateFilterCall], line: Int,
        in scope: TemplateScope
    ) throws(ChatTemplateError) -> TemplateValue {
        let inner = TemplateScope(parent: scope)
        var value = TemplateValue.string(try capture(body, in: inner))
        self.line = line
        for filter in filters { value = try apply(filter, to: value, in: inner) }
        return value
    }

    /// What a body writes.
    func capture(
        _ body: [TemplateStatement], in scope: TemplateScope
    ) throws(ChatTemplateError) -> TemplateString {
        try capturing { () throws(ChatTemplateError) in _ = try execute(body, in: scope) }
    }

    /// What is written meanwhile.
    func capturing(
        _ body: () throws(ChatTemplateError) -> Void
    ) throws(ChatTemplateError) -> TemplateString {
        let outer = (output, outputCount)
        (output, outputCount) = ([], 0)
        defer { (output, outputCount) = outer }
        try body()
        var text = TemplateString([])
        text.scalars.reserveCapacity(outputCount)
        for piece in output { text += piece }
        return text
    }

    private func write(_ text: TemplateString) throws(ChatTemplateError) {
        try pay(making: text.count)
        guard outputCount + text.count <= limits.outputScalars else {
            throw limitFailure("writes more than \(limits.outputScalars) characters")
        }
        outputCount += text.count
        output.append(text)
    }

    private func assign(
        _ value: TemplateValue, to target: TemplateTarget, in scope: TemplateScope
    ) throws(ChatTemplateError) {
        switch target {
        case .name(let name): scope.set(name, to: value)
        case .namespaceAttribute(let name, let attribute, let line):
            self.line = line
            let object = scope.lookUp(name) ?? .undefined("'\(name.text)' is undefined")
            guard case .namespace(let namespace) = object else {
                throw failure(
                    "'\(name.text)' is \(object.typeName): only a namespace's attributes can be set"
                )
            }
            try check(attribute: attribute)
            namespace[attribute] = value
        case .tuple(let targets, let line):
            self.line = line
            let values = try elements(of: value)
            guard values.count == targets.count else {
                throw failure("\(values.count) values cannot be unpacked to \(targets.count) names")
            }
            for (target, value) in zip(targets, values) {
                try assign(value, to: target, in: scope)
            }
        }
    }

    /// Makes a namespace that is emptied when the rendering ends.
    func makeNamespace() throws(ChatTemplateError) -> TemplateNamespace {
        try pay(making: 128)
        let namespace = TemplateNamespace()
        namespaces.append(namespace)
        return namespace
    }
}

extension TemplateInterpreter {
    private func execute(
        _ loop: TemplateLoop, in scope: TemplateScope
    ) throws(ChatTemplateError) {
        line = loop.line
        let items = try elements(of: try evaluate(loop.iterable, in: scope))
        try run(loop, over: items, depth: 0, in: scope)
    }

    /// Runs a loop over items; a recursive loop calls this again from its body.
    func run(
        _ loop: TemplateLoop, over items: [TemplateValue], depth: Int, in scope: TemplateScope
    ) throws(ChatTemplateError) {
        let state = TemplateLoopState(loop, items: items, depth: depth, in: scope)
        var isEmpty = true
        while try advance(state) {
            isEmpty = false
            let inner = TemplateScope(parent: scope)
            if let item = state.current { try assign(item, to: loop.target, in: inner) }
            inner.set("loop", to: .loop(state))
            if try execute(loop.body, in: inner) == .breakLoop { break }
        }
        if isEmpty { _ = try execute(loop.otherwise, in: TemplateScope(parent: scope)) }
    }

    /// Moves a loop on to the next item that takes part; false at its end.
    private func advance(_ state: TemplateLoopState) throws(ChatTemplateError) -> Bool {
        try pay(meter.step())
        guard try next(of: state) != nil else { return false }
        state.advance()
        return true
    }

    /// The item after the current one, judged now if it was not.
    func next(of state: TemplateLoopState) throws(ChatTemplateError) -> TemplateValue? {
        while state.next == nil, try judgeOne(of: state) {}
        return state.next
    }

    /// How many items take part; those left are judged now.
    func length(of state: TemplateLoopState) throws(ChatTemplateError) -> Int {
        while try judgeOne(of: state) {}
        return state.count
    }

    private func judgeOne(of state: TemplateLoopState) throws(ChatTemplateError) -> Bool {
        guard let item = state.nextUnjudged() else { return false }
        try pay(meter.step())
        let inner = TemplateScope(parent: state.scope)
        try assign(item, to: state.loop.target, in: inner)
        guard let filter = state.loop.filter else { return true }
        if try isTrue(try evaluate(filter, in: inner)) { state.accept(item) }
        return true
    }
}

extension TemplateInterpreter {
    /// Enters a level of recursion; callers leave it again.
    func enter() throws(ChatTemplateError) {
        depth += 1
        guard depth <= limits.depth else {
            depth -= 1
            throw limitFailure("nests macros and expressions deeper than \(limits.depth) levels")
        }
    }

    func leave() { depth -= 1 }

    func pay(steps: Int) throws(ChatTemplateError) { try pay(meter.step(steps)) }

    func pay(scanning count: Int) throws(ChatTemplateError) { try pay(meter.scan(count)) }

    /// Pays for a list.
    func pay(elements count: Int) throws(ChatTemplateError) {
        let (scalars, overflow) = count.multipliedReportingOverflow(by: 8)
        try pay(making: overflow ? .max : scalars)
    }

    func pay(making count: Int) throws(ChatTemplateError) { try pay(meter.make(count)) }

    private func pay(_ reason: String?) throws(ChatTemplateError) {
        if let reason { throw limitFailure(reason) }
    }

    private func limitFailure(_ reason: String) -> ChatTemplateError {
        ChatTemplateError(
            .limit, line: line, "the template \(reason); shorten the conversation or simplify it")
    }

    func failure(_ reason: String) -> ChatTemplateError {
        ChatTemplateError(.evaluation, line: line, reason)
    }

    /// Refuses values that nest too deep to be walked.
    func checked(_ value: TemplateValue) throws(ChatTemplateError) -> TemplateValue {
        guard value.depth <= TemplateMeter.maximumValueDepth else {
            throw limitFailure("nests values deeper than \(TemplateMeter.maximumValueDepth)")
        }
        return value
    }

    /// Refuses attributes a namespace may not have.
    func check(attribute: TemplateString) throws(ChatTemplateError) {
        if attribute.hasPrefix("_") {
            throw failure(
                "a namespace cannot have the attribute '\(attribute.text)': names that start with "
                    + "'_' are reserved, choose another")
        }
    }
}
