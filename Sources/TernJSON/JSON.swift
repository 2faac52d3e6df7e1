// The JSON value that configurations, tokenizers, chat templates and requests share. It keeps the
// order of members and compares keys by bytes: to Swift, composed and decomposed spellings of a
// key are equal, to JSON they are two. It does not map values to types; readers ask for what they
// expect and say what they found.

/// A JSON value. Members of objects keep their order.
///
/// Source: RFC 8259.
public enum JSON: Sendable {
    case null
    case bool(Bool)
    /// A number written without fraction and exponent that fits 64 bits.
    case integer(Int)
    /// Any other number.
    case number(Double)
    case string(String)
    case array([JSON])
    case object(JSONObject)
}

/// The members of a JSON object in the order of the text; of equal keys the last one counts.
public struct JSONObject: Sendable {
    /// One key with its value.
    public typealias Member = (key: String, value: JSON)

    /// All members, in order.
    public private(set) var members: [Member]

    /// Makes an object of members in the given order.
    public init(_ members: [Member] = []) { self.members = members }

    /// The value of a key, compared byte by byte; setting appends or replaces in place.
    ///
    /// Cost: linear in the number of members; loops over large objects use `members`.
    public subscript(key: String) -> JSON? {
        get { members.last { $0.key.utf8.elementsEqual(key.utf8) }?.value }
        set {
            let place = members.lastIndex { $0.key.utf8.elementsEqual(key.utf8) }
            switch (place, newValue) {
            case (let place?, let value?): members[place].value = value
            case (let place?, nil): members.remove(at: place)
            case (nil, let value?): members.append((key, value))
            case (nil, nil): break
            }
        }
    }
}

extension JSON {
    /// The member of an object; nil where the value is no object or lacks the key.
    public subscript(key: String) -> JSON? {
        if case .object(let object) = self { object[key] } else { nil }
    }

    /// The text of a string.
    public var string: String? { if case .string(let text) = self { text } else { nil } }

    /// The truth value of a boolean.
    public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }

    /// The value of an integer, or of a number without fraction such as `1e6`.
    public var integer: Int? {
        switch self {
        case .integer(let value): value
        case .number(let value): Int(exactly: value)
        case .null, .bool, .string, .array, .object: nil
        }
    }

    /// The value of an integer or a number.
    public var number: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        case .null, .bool, .string, .array, .object: nil
        }
    }

    /// The elements of an array.
    public var array: [JSON]? { if case .array(let elements) = self { elements } else { nil } }

    /// The members of an object.
    public var object: JSONObject? { if case .object(let object) = self { object } else { nil } }

    /// Whether the value is `null`.
    public var isNull: Bool { if case .null = self { true } else { false } }

    /// The value's kind as error messages name it.
    public var kind: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .integer, .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}

extension JSON: Equatable {
    /// Equality of JSON values: keys and strings by bytes, members in order, 1 equal to 1.0.
    public static func == (left: JSON, right: JSON) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let a), .bool(let b)): a == b
        case (.integer(let a), .integer(let b)): a == b
        case (.integer, .number), (.number, .integer), (.number, .number):
            left.number == right.number
        case (.string(let a), .string(let b)): a.utf8.elementsEqual(b.utf8)
        case (.array(let a), .array(let b)): a == b
        case (.object(let a), .object(let b)):
            a.members.elementsEqual(b.members) {
                $0.key.utf8.elementsEqual($1.key.utf8) && $0.value == $1.value
            }
        default: false
        }
    }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral,
    ExpressibleByNilLiteral
{
    /// A string.
    public init(stringLiteral value: String) { self = .string(value) }
    /// An integer.
    public init(integerLiteral value: Int) { self = .integer(value) }
    /// A number.
    public init(floatLiteral value: Double) { self = .number(value) }
    /// A boolean.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    /// An array.
    public init(arrayLiteral elements: JSON...) { self = .array(elements) }
    /// An object whose members keep the order of the literal.
    public init(dictionaryLiteral elements: (String, JSON)...) {
        self = .object(JSONObject(elements.map { (key: $0.0, value: $0.1) }))
    }
    /// `null`.
    public init(nilLiteral: ()) { self = .null }
}
