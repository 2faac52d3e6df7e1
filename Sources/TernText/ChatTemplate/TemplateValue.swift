// The values a template computes with: Python's, as far as templates see them. Lists and
// dictionaries never change once made (transformers renders in an immutable sandbox), so only
// namespaces, loops and iterators are objects. How values print is in TemplateValue+Text, how they
// compare in TemplateInterpreter+Comparison.

/// A value of the template language.
enum TemplateValue {
    /// A name, attribute or item that does not exist; prints as nothing, and says why when used.
    case undefined(String)
    case none
    case boolean(Bool)
    case integer(Int)
    case float(Double)
    case string(TemplateString)
    case list(TemplateList)
    case tuple(TemplateList)
    case dictionary(TemplateDictionary)
    case range(TemplateRange)
    /// What `keys()`, `values()` and `items()` of a dictionary give: counted, but not indexed.
    case view(TemplateViewKind, TemplateList)
    /// What filters such as `map` give: it can be walked once, has no length and counts as true.
    case iterator(TemplateIterator)
    case namespace(TemplateNamespace)
    case loop(TemplateLoopState)
    case macro(TemplateClosure)
    case function(TemplateFunction)
    case method(TemplateMethod)
}

/// Elements, with how deep they nest.
struct TemplateList {
    let elements: [TemplateValue]
    /// 1 for a list of plain values.
    let depth: Int

    init(_ elements: [TemplateValue]) {
        self.elements = elements
        depth = 1 + elements.reduce(0) { max($0, $1.depth) }
    }
}

/// Pairs in order of insertion; equal keys are one.
final class TemplateDictionary {
    let entries: [(key: TemplateValue, value: TemplateValue)]
    private let places: [TemplateKey: Int]
    let depth: Int

    /// Makes a dictionary; of equal keys the first keeps its place and the last its value.
    init(_ pairs: [(key: TemplateValue, hash: TemplateKey, value: TemplateValue)]) {
        var entries: [(key: TemplateValue, value: TemplateValue)] = []
        var places: [TemplateKey: Int] = [:]
        for pair in pairs {
            if let place = places[pair.hash] {
                entries[place].value = pair.value
            } else {
                places[pair.hash] = entries.count
                entries.append((pair.key, pair.value))
            }
        }
        self.entries = entries
        self.places = places
        depth = 1 + entries.reduce(0) { max($0, $1.value.depth, $1.key.depth) }
    }

    subscript(key: TemplateKey) -> TemplateValue? { places[key].map { entries[$0].value } }

    /// The pairs with their keys' hashes, to make another dictionary of.
    var pairs: [(key: TemplateValue, hash: TemplateKey, value: TemplateValue)] {
        var hashes = [TemplateKey](repeating: .none, count: entries.count)
        for (hash, place) in places { hashes[place] = hash }
        return entries.indices.map { (entries[$0].key, hashes[$0], entries[$0].value) }
    }
}

/// What a value is looked up by. Numbers that are equal are one key, as in Python.
indirect enum TemplateKey: Hashable {
    case none
    case integer(Int)
    case float(Double)
    case string(TemplateString)
    case tuple([TemplateKey])
    case object(ObjectIdentifier)
}

/// `range(…)`.
struct TemplateRange {
    let start: Int
    let stop: Int
    let step: Int
    let count: Int

    subscript(index: Int) -> Int { start + index * step }
}

/// Which view of a dictionary.
enum TemplateViewKind: String {
    case keys = "dict_keys"
    case values = "dict_values"
    case items = "dict_items"
}

/// Elements that are handed out once.
final class TemplateIterator {
    private let list: TemplateList
    private var position = 0

    init(_ elements: [TemplateValue]) { list = TemplateList(elements) }

    var depth: Int { list.depth }

    func next() -> TemplateValue? {
        guard position < list.elements.count else { return nil }
        position += 1
        return list.elements[position - 1]
    }

    func rest() -> [TemplateValue] {
        defer { position = list.elements.count }
        return Array(list.elements[position...])
    }
}

/// `namespace(…)`: the one thing a template can change from inside a loop.
final class TemplateNamespace {
    private(set) var names: [TemplateString] = []
    private var values: [TemplateString: TemplateValue] = [:]

    subscript(name: TemplateString) -> TemplateValue? {
        get { values[name] }
        set {
            if values.updateValue(newValue ?? .none, forKey: name) == nil { names.append(name) }
        }
    }

    /// Forgets everything, so that namespaces that hold each other can go.
    func clear() {
        names = []
        values = [:]
    }
}

/// Names and what they stand for, inside one block.
final class TemplateScope {
    private var values: [TemplateString: TemplateValue] = [:]
    private let parent: TemplateScope?

    init(parent: TemplateScope? = nil) { self.parent = parent }

    func lookUp(_ name: TemplateString) -> TemplateValue? {
        var scope: TemplateScope? = self
        while let current = scope {
            if let value = current.values[name] { return value }
            scope = current.parent
        }
        return nil
    }

    func set(_ name: TemplateString, to value: TemplateValue) { values[name] = value }

    /// Forgets everything, so that macros that hold their scope can go.
    func clear() { values = [:] }
}

/// A macro with the scope it was written in.
final class TemplateClosure {
    let macro: TemplateMacro
    let scope: TemplateScope

    init(_ macro: TemplateMacro, in scope: TemplateScope) {
        self.macro = macro
        self.scope = scope
    }
}

/// The functions every template knows.
enum TemplateFunction: String, CaseIterable {
    case range
    case namespace
    case dict
    case raiseException = "raise_exception"
    case strftimeNow = "strftime_now"
}

/// A method with what it belongs to.
struct TemplateMethod {
    let receiver: Receiver
    let name: String

    enum Receiver {
        case string(TemplateString)
        case sequence(TemplateList)
        case dictionary(TemplateDictionary)
        case loop(TemplateLoopState)
    }
}

extension TemplateValue {
    /// How deep the value nests.
    var depth: Int {
        switch self {
        case .list(let list), .tuple(let list), .view(_, let list): list.depth
        case .dictionary(let dictionary): dictionary.depth
        case .iterator(let iterator): iterator.depth
        case .undefined, .none, .boolean, .integer, .float, .string, .range, .namespace, .loop,
            .macro, .function, .method:
            0
        }
    }

    /// Python's name for the type, as its messages have it.
    var typeName: String {
        switch self {
        case .undefined: "Undefined"
        case .none: "NoneType"
        case .boolean: "bool"
        case .integer: "int"
        case .float: "float"
        case .string: "str"
        case .list: "list"
        case .tuple: "tuple"
        case .dictionary: "dict"
        case .range: "range"
        case .view(let kind, _): kind.rawValue
        case .iterator: "generator"
        case .namespace: "Namespace"
        case .loop: "LoopContext"
        case .macro: "Macro"
        case .function: "function"
        case .method: "method"
        }
    }

    var isUndefined: Bool { if case .undefined = self { true } else { false } }

    /// The number of a boolean or an integer.
    var integer: Int? {
        switch self {
        case .integer(let value): value
        case .boolean(let value): value ? 1 : 0
        default: nil
        }
    }

    /// The number of a boolean, an integer or a float.
    var double: Double? {
        if case .float(let value) = self { return value }
        return integer.map(Double.init)
    }

    static func list(_ elements: [TemplateValue]) -> TemplateValue {
        .list(TemplateList(elements))
    }

    static func tuple(_ elements: [TemplateValue]) -> TemplateValue {
        .tuple(TemplateList(elements))
    }

    static func text(_ text: String) -> TemplateValue { .string(TemplateString(text)) }
}
