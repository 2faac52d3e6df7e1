// The tree of a template: what the parser makes and the interpreter walks. Closed sets of cases,
// values without behaviour. Its depth is bounded by the parser, so walking it by recursion is safe.

/// An expression. Those that can fail know their line.
indirect enum TemplateExpression: Sendable {
    case none
    case boolean(Bool)
    case integer(Int)
    case float(Double)
    case string(TemplateString)
    case name(TemplateString)
    case list([TemplateExpression])
    case tuple([TemplateExpression])
    case dictionary([TemplatePair])
    case attribute(TemplateExpression, TemplateString, line: Int)
    case item(TemplateExpression, TemplateExpression, line: Int)
    case slice(TemplateExpression, TemplateSlice, line: Int)
    case call(TemplateExpression, TemplateArguments, line: Int)
    case filter(TemplateExpression, TemplateFilterCall)
    case test(TemplateExpression, TemplateTestCall)
    case negate(TemplateExpression, line: Int)
    case plus(TemplateExpression, line: Int)
    case not(TemplateExpression)
    case and(TemplateExpression, TemplateExpression)
    case or(TemplateExpression, TemplateExpression)
    case arithmetic(ArithmeticOperator, TemplateExpression, TemplateExpression, line: Int)
    case concatenation([TemplateExpression], line: Int)
    case comparison(TemplateExpression, [TemplateComparison], line: Int)
    case conditional(TemplateCondition)
}

/// A key and a value of a dictionary literal.
struct TemplatePair: Sendable {
    let key: TemplateExpression
    let value: TemplateExpression
}

/// `[start:stop:step]`.
struct TemplateSlice: Sendable {
    let start: TemplateExpression?
    let stop: TemplateExpression?
    let step: TemplateExpression?
}

/// The arguments of a call, a filter or a test.
struct TemplateArguments: Sendable {
    var positional: [TemplateExpression] = []
    var keywords: [(name: String, value: TemplateExpression)] = []
    /// `*list`
    var spread: TemplateExpression?
    /// `**dictionary`
    var keywordSpread: TemplateExpression?
}

/// `| name(arguments)`.
struct TemplateFilterCall: Sendable {
    /// Nil for a name nobody knows, which fails when reached.
    let filter: TemplateFilter?
    let name: String
    let arguments: TemplateArguments
    let line: Int
}

/// `is name(arguments)`.
struct TemplateTestCall: Sendable {
    /// Nil for a name nobody knows, which fails when reached.
    let test: TemplateTest?
    let name: String
    let arguments: TemplateArguments
    let line: Int
}

/// `value if test else otherwise`; without `else` it may be undefined.
struct TemplateCondition: Sendable {
    let test: TemplateExpression
    let value: TemplateExpression
    let otherwise: TemplateExpression?
}

/// Operators on numbers, some of them on texts and lists as well.
enum ArithmeticOperator: String, Sendable {
    case add = "+"
    case subtract = "-"
    case multiply = "*"
    case divide = "/"
    case floorDivide = "//"
    case modulo = "%"
    case power = "**"
}

/// One link of a chain of comparisons.
struct TemplateComparison: Sendable {
    let comparator: TemplateComparator
    let operand: TemplateExpression
}

/// Operators that compare.
enum TemplateComparator: String, Sendable {
    case equal = "=="
    case notEqual = "!="
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="
    case isIn = "in"
    case isNotIn = "not in"
}

/// What may stand left of `=` or after `for`.
indirect enum TemplateTarget: Sendable {
    case name(TemplateString)
    case namespaceAttribute(TemplateString, TemplateString, line: Int)
    case tuple([TemplateTarget], line: Int)
}

/// A statement or a stretch of text.
indirect enum TemplateStatement: Sendable {
    case text(TemplateString)
    case output(TemplateExpression, line: Int)
    case branches([TemplateBranch], otherwise: [TemplateStatement])
    case loop(TemplateLoop)
    case set(TemplateTarget, TemplateExpression, line: Int)
    case setBlock(TemplateTarget, [TemplateFilterCall], [TemplateStatement], line: Int)
    case macro(TemplateMacro)
    case callBlock(TemplateMacro, TemplateExpression, TemplateArguments, line: Int)
    case filterBlock([TemplateFilterCall], [TemplateStatement], line: Int)
    case with([(target: TemplateTarget, value: TemplateExpression)], [TemplateStatement])
    case scope([TemplateStatement])
    case breakLoop
    case continueLoop
}

/// `if` or `elif` with its body.
struct TemplateBranch: Sendable {
    let test: TemplateExpression
    let body: [TemplateStatement]
}

/// `for target in iterable if filter`.
struct TemplateLoop: Sendable {
    let target: TemplateTarget
    let iterable: TemplateExpression
    let filter: TemplateExpression?
    let isRecursive: Bool
    let body: [TemplateStatement]
    let otherwise: [TemplateStatement]
    let line: Int
}

/// A macro, or the body of a call block.
struct TemplateMacro: Sendable {
    let name: String
    let parameters: [TemplateParameter]
    let body: [TemplateStatement]
    /// The names the body mentions; `varargs`, `kwargs` and `caller` among them open the macro to
    /// arguments beyond its parameters.
    let mentions: Set<String>
}

/// A parameter of a macro.
struct TemplateParameter: Sendable {
    let name: String
    let defaultValue: TemplateExpression?
}
