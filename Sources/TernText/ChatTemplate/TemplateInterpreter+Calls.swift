// Calls: the functions every template knows, macros, and the loop that renders itself again.
// Methods of strings, lists and dictionaries are in +Methods.

extension TemplateInterpreter {
    func call(
        _ callee: TemplateValue, _ arguments: TemplateCallArguments
    ) throws(ChatTemplateError) -> TemplateValue {
        switch callee {
        case .undefined(let reason): throw failure(reason)
        case .function(let function): return try call(function, arguments)
        case .method(let method): return try call(method, arguments)
        case .macro(let closure): return .string(try call(closure, arguments))
        case .loop(let state):
            guard state.loop.isRecursive else {
                throw failure("a loop that is not marked 'recursive' cannot be called")
            }
            let bound = try bind(arguments, to: ["iterable"], required: 1, of: "loop")
            let items = try elements(of: bound[0] ?? .none)
            return .string(try renderAgain(state, over: items))
        default: throw failure("a \(callee.typeName) cannot be called")
        }
    }

    private func call(
        _ function: TemplateFunction, _ arguments: TemplateCallArguments
    ) throws(ChatTemplateError) -> TemplateValue {
        switch function {
        case .range: return .range(try range(arguments))
        case .dict: return .dictionary(try dictionary(try members(arguments)))
        case .namespace:
            let namespace = try makeNamespace()
            for (key, value) in try members(arguments) {
                let name = try string(key, "name") ?? TemplateString([])
                try check(attribute: name)
                namespace[name] = value
            }
            return .namespace(namespace)
        case .raiseException:
            let bound = try bind(arguments, to: ["message"], required: 1, of: "raise_exception")
            let message = try text(of: bound[0] ?? .none).text
            throw ChatTemplateError(.refusal, line: line, message)
        case .strftimeNow:
            let bound = try bind(arguments, to: ["format"], required: 1, of: "strftime_now")
            let format = try string(bound[0], "format") ?? TemplateString([])
            guard let date = (clock ?? .now()).formatted(format.text) else {
                throw failure("strftime_now cannot write a date as '\(format.text)'")
            }
            return .string(TemplateString(date, literal: format.hasLiteral))
        }
    }

    /// Pairs of a dictionary or a list of pairs, then those given by name.
    private func members(
        _ arguments: TemplateCallArguments
    ) throws(ChatTemplateError) -> [(TemplateValue, TemplateValue)] {
        var members: [(TemplateValue, TemplateValue)] = []
        guard arguments.positional.count <= 1 else {
            throw failure("at most one argument without a name is expected")
        }
        if let first = arguments.positional.first {
            if case .dictionary(let dictionary) = first {
                members += dictionary.entries.map { ($0.key, $0.value) }
            } else {
                for pair in try elements(of: first) {
                    let values = try elements(of: pair)
                    guard values.count == 2 else {
                        throw failure("a pair of key and value is expected")
                    }
                    members.append((values[0], values[1]))
                }
            }
        }
        return members + arguments.keywords.map { (.text($0.name), $0.value) }
    }

    /// As long as the sandbox of jinja2 allows.
    private static let maximumRange = 100_000

    private func range(_ arguments: TemplateCallArguments) throws(ChatTemplateError)
        -> TemplateRange
    {
        let bound = try bind(
            arguments, to: ["start", "stop", "step"], required: 1, of: "range")
        let first = try integer(bound[0], "start") ?? 0
        let second = try integer(bound[1], "stop")
        let step = try integer(bound[2], "step") ?? 1
        let (start, stop) = second.map { (first, $0) } ?? (0, first)
        guard step != 0 else { throw failure("the step of a range is zero; use 1 or -1") }
        let (distance, overflow) =
            step > 0
            ? stop.subtractingReportingOverflow(start) : start.subtractingReportingOverflow(stop)
        let count = distance <= 0 ? 0 : (distance - 1) / abs(max(step, -.max)) + 1
        guard !overflow, count <= Self.maximumRange else {
            throw failure("a range of more than \(Self.maximumRange) numbers is too long")
        }
        return TemplateRange(start: start, stop: stop, step: step, count: count)
    }

    private func renderAgain(
        _ state: TemplateLoopState, over items: [TemplateValue]
    ) throws(ChatTemplateError) -> TemplateString {
        try enter()
        defer { leave() }
        return try capturing { () throws(ChatTemplateError) in
            try run(state.loop, over: items, depth: state.depth + 1, in: state.scope)
        }
    }
}

extension TemplateInterpreter {
    private func call(
        _ closure: TemplateClosure, _ arguments: TemplateCallArguments
    ) throws(ChatTemplateError) -> TemplateString {
        let macro = closure.macro
        let scope = TemplateScope(parent: closure.scope)
        let outerLine = line
        defer { line = outerLine }
        var keywords = arguments.keywords
        var values = ArraySlice(arguments.positional)
        for parameter in macro.parameters {
            var value = values.popFirst()
            if let place = keywords.firstIndex(where: { $0.name == parameter.name }), value == nil {
                value = keywords.remove(at: place).value
            }
            if value == nil, let expression = parameter.defaultValue {
                value = try evaluate(expression, in: scope)
            }
            let missing = TemplateValue.undefined("parameter '\(parameter.name)' was not provided")
            scope.set(TemplateString(parameter.name), to: value ?? missing)
        }
        try bindRest(values, &keywords, of: macro, in: scope)
        return try capture(macro.body, in: scope)
    }

    /// Gives what no parameter took to the special names of the macro's body.
    private func bindRest(
        _ values: ArraySlice<TemplateValue>,
        _ keywords: inout [(name: String, value: TemplateValue)], of macro: TemplateMacro,
        in scope: TemplateScope
    ) throws(ChatTemplateError) {
        if macro.mentions.contains("caller"),
            !macro.parameters.contains(where: { $0.name == "caller" })
        {
            let place = keywords.firstIndex { $0.name == "caller" }
            let caller = place.map { keywords.remove(at: $0).value }
            scope.set("caller", to: caller ?? .undefined("No caller defined"))
        }
        if macro.mentions.contains("varargs") {
            scope.set("varargs", to: .tuple(Array(values)))
        } else if !values.isEmpty {
            throw failure(
                "macro '\(macro.name)' takes not more than \(macro.parameters.count) arguments")
        }
        if macro.mentions.contains("kwargs") {
            let pairs = keywords.map { (TemplateValue.text($0.name), $0.value) }
            scope.set("kwargs", to: .dictionary(try dictionary(pairs)))
        } else if let extra = keywords.first {
            throw failure("macro '\(macro.name)' takes no keyword argument '\(extra.name)'")
        }
    }
}
