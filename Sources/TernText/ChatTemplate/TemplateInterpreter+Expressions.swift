// Evaluates expressions: names, literals, attributes, items, slices and the operators that choose
// between operands. Arithmetic is in +Arithmetic, comparison in +Comparison, calls in +Calls.
// Checked against jinja2 3.1, compiler.py and sandbox.py.

extension TemplateInterpreter {
    func evaluate(
        _ expression: TemplateExpression, in scope: TemplateScope
    ) throws(ChatTemplateError) -> TemplateValue {
        try enter()
        defer { leave() }
        try pay(steps: 1)
        switch expression {
        case .none: return .none
        case .boolean(let value): return .boolean(value)
        case .integer(let value): return .integer(value)
        case .float(let value): return .float(value)
        case .string(let text): return .string(text)
        case .name(let name): return lookUp(name, in: scope)
        case .list, .tuple, .dictionary: return try literal(expression, in: scope)
        case .attribute, .item, .slice: return try part(expression, in: scope)
        case .call, .filter, .test: return try application(expression, in: scope)
        case .negate, .plus, .not: return try unary(expression, in: scope)
        case .and(let left, let right):
            let value = try evaluate(left, in: scope)
            return try isTrue(value) ? try evaluate(right, in: scope) : value
        case .or(let left, let right):
            let value = try evaluate(left, in: scope)
            return try isTrue(value) ? value : try evaluate(right, in: scope)
        case .arithmetic(let operation, let left, let right, let line):
            return try arithmetic(operation, left, right, line: line, in: scope)
        case .concatenation(let parts, let line):
            return try concatenation(parts, line: line, in: scope)
        case .comparison(let first, let links, let line):
            return try comparison(first, links, line: line, in: scope)
        case .conditional(let condition):
            return try conditional(condition, in: scope)
        }
    }

    private func lookUp(_ name: TemplateString, in scope: TemplateScope) -> TemplateValue {
        if let value = scope.lookUp(name) { return value }
        if let function = TemplateFunction(rawValue: name.text) { return .function(function) }
        return .undefined("'\(name.text)' is undefined")
    }

    /// Evaluates several expressions.
    func evaluate(
        _ expressions: [TemplateExpression], in scope: TemplateScope
    ) throws(ChatTemplateError) -> [TemplateValue] {
        var values: [TemplateValue] = []
        for expression in expressions { values.append(try evaluate(expression, in: scope)) }
        return values
    }

    private func literal(
        _ expression: TemplateExpression, in scope: TemplateScope
    ) throws(ChatTemplateError) -> TemplateValue {
        switch expression {
        case .list(let elements):
            try pay(elements: elements.count)
            return try checked(.list(try evaluate(elements, in: scope)))
        case .tuple(let elements):
            try pay(elements: elements.count)
            return try checked(.tuple(try evaluate(elements, in: scope)))
        case .dictionary(let pairs):
            var entries: [(TemplateValue, TemplateValue)] = []
            for pair in pairs {
                let key = try evaluate(pair.key, in: scope)
                entries.append((key, try evaluate(pair.value, in: scope)))
            }
            return try checked(.dictionary(try dictionary(entries)))
        default: preconditionFailure("\(expression) is not a literal of several values")
        }
    }

    private func unary(
        _ expression: TemplateExpression, in scope: TemplateScope
    ) throws(ChatTemplateError) -> TemplateValue {
        switch expression {
        case .not(let operand):
            return .boolean(!(try isTrue(try evaluate(operand, in: scope))))
        case .negate(let operand, let line):
            return try signed(try evaluate(operand, in: scope), isNegative: true, line: line)
        case .plus(let operand, let line):
            return try signed(try evaluate(operand, in: scope), isNegative: false, line: line)
        default: preconditionFailure("\(expression) is not a unary operator")
        }
    }

    private func application(
        _ expression: TemplateExpression, in scope: TemplateScope
    ) throws(ChatTemplateError) -> TemplateValue {
        switch expression {
        case .call(let callee, let arguments, let line):
            let function = try evaluate(callee, in: scope)
            let values = try evaluate(arguments, in: scope)
            self.line = line
            return try checked(try call(function, values))
        case .filter(let operand, let call):
            return try apply(call, to: try evaluate(operand, in: scope), in: scope)
        case .test(let operand, let call):
            let value = try evaluate(operand, in: scope)
            let arguments = try evaluate(call.arguments, in: scope)
            line = call.line
            guard let test = call.test else { throw failure("there is no test '\(call.name)'") }
            return .boolean(try holds(test, for: value, arguments))
        default: preconditionFailure("\(expression) is not a call, a filter or a test")
        }
    }

    /// Applies a filter as written in the template.
    func apply(
        _ call: TemplateFilterCall, to value: TemplateValue, in scope: TemplateScope
    ) throws(ChatTemplateError) -> TemplateValue {
        let arguments = try evaluate(call.arguments, in: scope)
        line = call.line
        guard let filter = call.filter else { throw failure("there is no filter '\(call.name)'") }
        return try checked(try apply(filter, to: value, arguments))
    }

    private func conditional(
        _ condition: TemplateCondition, in scope: TemplateScope
    ) throws(ChatTemplateError) -> TemplateValue {
        if try isTrue(try evaluate(condition.test, in: scope)) {
            return try evaluate(condition.value, in: scope)
        }
        guard let otherwise = condition.otherwise else {
            return .undefined("the inline if expression is false and has no else")
        }
        return try evaluate(otherwise, in: scope)
    }

    private func concatenation(
        _ parts: [TemplateExpression], line: Int, in scope: TemplateScope
    ) throws(ChatTemplateError) -> TemplateValue {
        var result = TemplateString([])
        for value in try evaluate(parts, in: scope) {
            self.line = line
            let part = try text(of: value)
            try pay(making: part.count)
            result += part
        }
        return .string(result)
    }
}

extension TemplateInterpreter {
    private func part(
        _ expression: TemplateExpression, in scope: TemplateScope
    ) throws(ChatTemplateError) -> TemplateValue {
        switch expression {
        case .attribute(let owner, let name, let line):
            let value = try evaluate(owner, in: scope)
            self.line = line
            return try attribute(name, of: value)
        case .item(let owner, let index, let line):
            let value = try evaluate(owner, in: scope)
            let index = try evaluate(index, in: scope)
            self.line = line
            return try item(index, of: value)
        case .slice(let owner, let bounds, let line):
            return try slice(try evaluate(owner, in: scope), bounds, line: line, in: scope)
        default: preconditionFailure("\(expression) is not a part of a value")
        }
    }

    /// `value.name`: the type's own attributes come first, members of a dictionary second.
    func attribute(
        _ name: TemplateString, of value: TemplateValue
    ) throws(ChatTemplateError) -> TemplateValue {
        if case .undefined(let reason) = value { throw failure(reason) }
        if let own = try ownAttribute(name, of: value) { return own }
        if case .dictionary(let dictionary) = value, let member = dictionary[.string(name)] {
            return member
        }
        return missing(name, of: value)
    }

    /// `value[index]`: items come first, attributes second.
    func item(
        _ index: TemplateValue, of value: TemplateValue
    ) throws(ChatTemplateError) -> TemplateValue {
        if case .undefined(let reason) = value { throw failure(reason) }
        if let element = try element(index, of: value) { return element }
        guard case .string(let name) = index else {
            return .undefined("\(value.typeName) object has no element \(try repr(of: index).text)")
        }
        return try ownAttribute(name, of: value) ?? missing(name, of: value)
    }

    private func missing(_ name: TemplateString, of value: TemplateValue) -> TemplateValue {
        .undefined("'\(value.typeName) object' has no attribute '\(name.text)'")
    }

    private func element(
        _ index: TemplateValue, of value: TemplateValue
    ) throws(ChatTemplateError) -> TemplateValue? {
        if case .dictionary(let dictionary) = value {
            return try key(of: index).flatMap { dictionary[$0] }
        }
        guard let index = index.integer else { return nil }
        switch value {
        case .list(let list), .tuple(let list):
            return place(index, in: list.elements.count).map { list.elements[$0] }
        case .string(let text):
            return place(index, in: text.count).map {
                .string(text[$0..<$0 + 1]).asMarkup(like: text)
            }
        case .range(let range): return place(index, in: range.count).map { .integer(range[$0]) }
        default: return nil
        }
    }

    /// An index counted from the front; negative ones count from the back.
    private func place(_ index: Int, in count: Int) -> Int? {
        let place = index < 0 ? index + count : index
        return (0..<count).contains(place) ? place : nil
    }

    private func slice(
        _ value: TemplateValue, _ bounds: TemplateSlice, line: Int, in scope: TemplateScope
    ) throws(ChatTemplateError) -> TemplateValue {
        let start = try bound(bounds.start, line: line, in: scope)
        let stop = try bound(bounds.stop, line: line, in: scope)
        let step = try bound(bounds.step, line: line, in: scope) ?? 1
        guard step != 0 else { throw failure("the step of a slice is zero; use 1 or -1") }
        switch value {
        case .undefined(let reason): throw failure(reason)
        case .string(let text):
            let places = places(start, stop, step, count: text.count)
            try pay(making: places.count)
            return .string(TemplateString(places.map { text.scalars[$0] })).asMarkup(like: text)
        case .list(let list):
            return .list(try pick(places(start, stop, step, count: list.elements.count), list))
        case .tuple(let list):
            return .tuple(try pick(places(start, stop, step, count: list.elements.count), list))
        case .range(let range):
            let places = places(start, stop, step, count: range.count)
            return .list(places.map { .integer(range[$0]) })
        default: throw failure("a \(value.typeName) cannot be sliced; a list or a string can")
        }
    }

    private func pick(
        _ places: [Int], _ list: TemplateList
    ) throws(ChatTemplateError) -> [TemplateValue] {
        try pay(elements: places.count)
        return places.map { list.elements[$0] }
    }

    private func bound(
        _ expression: TemplateExpression?, line: Int, in scope: TemplateScope
    ) throws(ChatTemplateError) -> Int? {
        guard let expression else { return nil }
        let value = try evaluate(expression, in: scope)
        self.line = line
        if case .none = value { return nil }
        guard let bound = value.integer else {
            throw failure("the bound of a slice is \(value.typeName); a whole number is expected")
        }
        return bound
    }

    /// The places a slice takes, as Python's `slice.indices` finds them.
    private func places(_ start: Int?, _ stop: Int?, _ step: Int, count: Int) -> [Int] {
        func clamped(_ bound: Int, _ low: Int, _ high: Int) -> Int {
            max(low, min(high, bound < 0 ? bound + count : bound))
        }
        let step = max(-count - 1, min(count + 1, step))
        if step > 0 {
            let first = start.map { clamped($0, 0, count) } ?? 0
            let end = stop.map { clamped($0, 0, count) } ?? count
            return Array(stride(from: first, to: end, by: step))
        }
        let first = start.map { clamped($0, -1, count - 1) } ?? count - 1
        let end = stop.map { clamped($0, -1, count - 1) } ?? -1
        return Array(stride(from: first, to: end, by: step))
    }
}
