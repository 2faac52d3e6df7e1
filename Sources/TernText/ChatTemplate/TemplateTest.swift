// The tests of `is`, and what they hold for. Checked against jinja2 3.1, tests.py.

/// A test: what stands after `is`.
enum TemplateTest: String, Sendable {
    case boolean, callable, defined, divisibleby, escaped, even, filter, float, integer, iterable
    case lower, mapping, none, number, odd, sameas, sequence, string, test, undefined, upper
    case isTrue = "true"
    case isFalse = "false"
    case isIn = "in"
    case equal = "=="
    case notEqual = "!="
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="

    /// The test of a name, of which some have several.
    init?(named name: String) {
        switch name {
        case "eq", "equalto": self = .equal
        case "ne": self = .notEqual
        case "lt", "lessthan": self = .less
        case "le": self = .lessOrEqual
        case "gt", "greaterthan": self = .greater
        case "ge": self = .greaterOrEqual
        default: self.init(rawValue: name)
        }
    }

    /// Whether the test compares with something.
    fileprivate var needsArgument: Bool {
        switch self {
        case .divisibleby, .sameas, .isIn, .equal, .notEqual, .less, .lessOrEqual, .greater,
            .greaterOrEqual:
            true
        default: false
        }
    }
}

extension TemplateInterpreter {
    func holds(
        _ test: TemplateTest, for value: TemplateValue, _ arguments: TemplateCallArguments
    ) throws(ChatTemplateError) -> Bool {
        if test.needsArgument {
            let bound = try bind(arguments, to: ["other"], required: 1, of: "'\(test.rawValue)'")
            return try holds(test, for: value, bound[0] ?? .none)
        }
        _ = try bind(arguments, to: [], of: "'\(test.rawValue)'")
        switch test {
        case .odd, .even:
            let remainder = try arithmetic(.modulo, value, .integer(2))
            return try areEqual(remainder, .integer(test == .odd ? 1 : 0))
        case .filter, .test:
            guard case .string(let name) = value else { return false }
            return test == .filter
                ? TemplateFilter(named: name.text) != nil : TemplateTest(named: name.text) != nil
        case .escaped:
            if case .string(let text) = value { return text.isMarkup }
            return false
        case .lower: return try text(of: value).isLowercase
        case .upper: return try text(of: value).isUppercase
        default: return isKind(test, value)
        }
    }

    private func holds(
        _ test: TemplateTest, for value: TemplateValue, _ other: TemplateValue
    ) throws(ChatTemplateError) -> Bool {
        if let comparator = TemplateComparator(rawValue: test.rawValue) {
            return test == .isIn
                ? try contains(other, value) : try holds(comparator, value, other)
        }
        if test == .divisibleby {
            return try areEqual(try arithmetic(.modulo, value, other), .integer(0))
        }
        guard value.typeName == other.typeName else { return false }
        return try areEqual(value, other)
    }

    /// The tests that look at the type alone.
    private func isKind(_ test: TemplateTest, _ value: TemplateValue) -> Bool {
        switch (test, value) {
        case (.defined, _): !value.isUndefined
        case (.undefined, _): value.isUndefined
        case (.none, .none), (.string, .string), (.mapping, .dictionary), (.boolean, .boolean),
            (.isTrue, .boolean(true)), (.isFalse, .boolean(false)), (.integer, .integer),
            (.float, .float), (.number, .boolean), (.number, .integer), (.number, .float):
            true
        case (.sequence, .undefined), (.sequence, .string), (.sequence, .list), (.sequence, .tuple),
            (.sequence, .dictionary), (.sequence, .range):
            true
        case (.iterable, .undefined), (.iterable, .string), (.iterable, .list), (.iterable, .tuple),
            (.iterable, .dictionary), (.iterable, .range), (.iterable, .view),
            (.iterable, .iterator), (.iterable, .loop):
            true
        case (.callable, .undefined), (.callable, .macro), (.callable, .function),
            (.callable, .method), (.callable, .loop):
            true
        default: false
        }
    }
}
