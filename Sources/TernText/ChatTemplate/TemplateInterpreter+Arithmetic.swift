// Operators on numbers, texts and lists, with Python's rules: division goes to floats, floor
// division and remainder round down, texts and lists add and repeat. Whole numbers have 64 bits
// here; what does not fit is refused, not wrapped.

import Glibc

extension TemplateInterpreter {
    func arithmetic(
        _ operation: ArithmeticOperator, _ left: TemplateExpression, _ right: TemplateExpression,
        line: Int, in scope: TemplateScope
    ) throws(ChatTemplateError) -> TemplateValue {
        var left = try evaluate(left, in: scope)
        let right = try evaluate(right, in: scope)
        self.line = line
        guard operation == .add, case .string(var text) = left, case .string(let more) = right,
            !text.isMarkup, !more.isMarkup
        else { return try arithmetic(operation, left, right) }
        // Held once, a text grows in place: `a + b + c` then copies each part once. Whether it is
        // held elsewhere nobody knows, so the copy is paid for.
        try pay(making: text.count + more.count)
        left = .none
        text += more
        return .string(text)
    }

    func arithmetic(
        _ operation: ArithmeticOperator, _ left: TemplateValue, _ right: TemplateValue
    ) throws(ChatTemplateError) -> TemplateValue {
        if operation == .modulo, case .string(let format) = left {
            return .string(try formatted(format, with: right))
        }
        if case .undefined(let reason) = left { throw failure(reason) }
        if case .undefined(let reason) = right { throw failure(reason) }
        if let a = left.integer, let b = right.integer {
            return try integers(operation, a, b)
        }
        if let a = left.double, let b = right.double { return try floats(operation, a, b) }
        switch (operation, left, right) {
        case (.add, .string(let a), .string(let b)):
            try pay(making: a.count + b.count)
            guard a.isMarkup || b.isMarkup else { return .string(a + b) }
            try pay(making: 4 * (a.count + b.count))
            return .string((a.escaped + b.escaped).asMarkup)
        case (.add, .list(let a), .list(let b)):
            try pay(elements: a.elements.count + b.elements.count)
            return .list(a.elements + b.elements)
        case (.add, .tuple(let a), .tuple(let b)):
            try pay(elements: a.elements.count + b.elements.count)
            return .tuple(a.elements + b.elements)
        case (.multiply, _, _):
            if let count = right.integer { return try repeated(left, count) }
            if let count = left.integer { return try repeated(right, count) }
        default: break
        }
        throw failure(
            "'\(operation.rawValue)' does not work between \(left.typeName) and \(right.typeName)")
    }

    private func repeated(
        _ value: TemplateValue, _ count: Int
    ) throws(ChatTemplateError) -> TemplateValue {
        func pay(unit: Int) throws(ChatTemplateError) {
            let (total, overflow) = unit.multipliedReportingOverflow(by: max(0, count))
            try self.pay(making: overflow ? .max : total)
        }
        let copies = 0..<max(0, count)
        switch value {
        case .string(let text):
            try pay(unit: text.count)
            if text.isEmpty { return value }
            return .string(TemplateString(copies.lazy.flatMap { _ in text.scalars }))
        case .list(let list):
            try pay(unit: 8 * list.elements.count)
            if list.elements.isEmpty { return value }
            return .list(copies.flatMap { _ in list.elements })
        case .tuple(let list):
            try pay(unit: 8 * list.elements.count)
            if list.elements.isEmpty { return value }
            return .tuple(copies.flatMap { _ in list.elements })
        default: throw failure("a \(value.typeName) cannot be repeated by '*'")
        }
    }

    private func integers(
        _ operation: ArithmeticOperator, _ a: Int, _ b: Int
    ) throws(ChatTemplateError) -> TemplateValue {
        let result: (partialValue: Int, overflow: Bool)
        switch operation {
        case .add: result = a.addingReportingOverflow(b)
        case .subtract: result = a.subtractingReportingOverflow(b)
        case .multiply: result = a.multipliedReportingOverflow(by: b)
        case .power:
            if b < 0 { return try floats(.power, Double(a), Double(b)) }
            result = power(a, b)
        case .divide, .floorDivide, .modulo:
            guard b != 0 else { throw failure("division of \(a) by zero") }
            if operation == .divide { return .float(Double(a) / Double(b)) }
            let quotient = a.dividedReportingOverflow(by: b)
            let remainder = a.remainderReportingOverflow(dividingBy: b).partialValue
            let roundsDown = remainder != 0 && (remainder < 0) != (b < 0)
            if operation == .modulo { return .integer(roundsDown ? remainder + b : remainder) }
            result = (quotient.partialValue - (roundsDown ? 1 : 0), quotient.overflow)
        }
        guard !result.overflow else {
            throw failure("\(a) \(operation.rawValue) \(b) does not fit 64 bits")
        }
        return .integer(result.partialValue)
    }

    private func power(_ base: Int, _ exponent: Int) -> (partialValue: Int, overflow: Bool) {
        var result = 1
        var factor = (value: base, overflow: false)
        var rest = exponent
        while rest > 0 {
            if rest & 1 == 1 {
                let product = result.multipliedReportingOverflow(by: factor.value)
                if product.overflow || factor.overflow { return (0, true) }
                result = product.partialValue
            }
            rest >>= 1
            let square = factor.value.multipliedReportingOverflow(by: factor.value)
            factor = (square.partialValue, factor.overflow || square.overflow)
        }
        return (result, false)
    }

    private func floats(
        _ operation: ArithmeticOperator, _ a: Double, _ b: Double
    ) throws(ChatTemplateError) -> TemplateValue {
        switch operation {
        case .add: return .float(a + b)
        case .subtract: return .float(a - b)
        case .multiply: return .float(a * b)
        case .power:
            let result = pow(a, b)
            guard !(a == 0 && b < 0), !(result.isNaN && !a.isNaN && !b.isNaN),
                !(result.isInfinite && a.isFinite && b.isFinite)
            else { throw failure("\(a) ** \(b) is no number") }
            return .float(result)
        case .divide, .floorDivide, .modulo:
            guard b != 0 else { throw failure("division of \(a) by zero") }
            if operation == .divide { return .float(a / b) }
            var remainder = fmod(a, b)
            var quotient = ((a - remainder) / b).rounded()
            if remainder != 0, (remainder < 0) != (b < 0) {
                remainder += b
                quotient -= 1
            }
            if remainder == 0 { remainder = copysign(0, b) }
            return .float(operation == .modulo ? remainder : quotient)
        }
    }

    func signed(
        _ value: TemplateValue, isNegative: Bool, line: Int
    ) throws(ChatTemplateError) -> TemplateValue {
        self.line = line
        if case .undefined(let reason) = value { throw failure(reason) }
        if case .float(let number) = value { return .float(isNegative ? -number : number) }
        guard let number = value.integer else {
            throw failure("a \(value.typeName) has no sign; a number is expected")
        }
        return isNegative ? try integers(.subtract, 0, number) : .integer(number)
    }
}
