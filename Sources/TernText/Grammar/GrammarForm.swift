// What a text must look like, before it is compiled: JSON of a schema, set texts, prose, and their
// combinations. A form is also JSON itself, so that it can travel as text.

import TernJSON

/// The form of a text.
public indirect enum GrammarForm: Sendable, Equatable {
    /// JSON that a schema admits, with at most one blank before it.
    case schema(JSON)
    /// Exactly this.
    case text(String)
    /// A control token, by its content.
    case mark(String)
    /// One after the other.
    case sequence([GrammarForm])
    /// One of them.
    case choice([GrammarForm])
    /// At least one of the same, with a text between them; at most so many where given.
    case list(GrammarForm, separator: String, most: Int?)
    /// Any text, which may end at any place; where the marker appears in it, the form follows.
    case prose(until: String, then: GrammarForm)
    /// Any text that does not begin with one of these characters and may end at any place.
    case plain(notFrom: String)

    /// Any JSON object.
    public static let object = GrammarForm.schema(["type": "object"])

    /// The form as JSON.
    public var json: JSON {
        switch self {
        case .schema(let schema): ["schema": schema]
        case .text(let text): ["text": .string(text)]
        case .mark(let content): ["mark": .string(content)]
        case .sequence(let forms): ["sequence": .array(forms.map(\.json))]
        case .choice(let forms): ["choice": .array(forms.map(\.json))]
        case .list(let form, let separator, let most):
            [
                "list": form.json, "separator": .string(separator),
                "most": most.map { .integer($0) } ?? .null,
            ]
        case .prose(let marker, let form): ["prose": .string(marker), "then": form.json]
        case .plain(let characters): ["plain": .string(characters)]
        }
    }

    /// Reads what `json` writes.
    ///
    /// Throws: `GrammarError` where it is something else.
    public init(json: JSON) throws(GrammarError) {
        if let schema = json["schema"] {
            self = .schema(schema)
        } else if let text = json["text"]?.string {
            self = .text(text)
        } else if let content = json["mark"]?.string {
            self = .mark(content)
        } else if let forms = json["sequence"]?.array {
            self = .sequence(try Self.forms(forms))
        } else if let forms = json["choice"]?.array, !forms.isEmpty {
            self = .choice(try Self.forms(forms))
        } else if let form = json["list"], let separator = json["separator"]?.string {
            self = .list(
                try GrammarForm(json: form), separator: separator, most: json["most"]?.integer)
        } else if let marker = json["prose"]?.string, !marker.isEmpty, let form = json["then"] {
            self = .prose(until: marker, then: try GrammarForm(json: form))
        } else if let characters = json["plain"]?.string {
            self = .plain(notFrom: characters)
        } else {
            throw GrammarError("#", "found \(json.kind) that is no form of a text")
        }
    }

    private static func forms(_ list: [JSON]) throws(GrammarError) -> [GrammarForm] {
        var forms: [GrammarForm] = []
        for json in list { forms.append(try GrammarForm(json: json)) }
        return forms
    }
}

extension GrammarBuilder {
    /// Adds a form before a node.
    mutating func form(_ form: GrammarForm, then next: Int32) throws(GrammarError) -> Int32 {
        switch form {
        case .schema(let schema):
            let rule = try SchemaCompiler.compile(schema, into: &self)
            return try optionalBlank(then: try add(.call(rule, next: next)))
        case .text(let text): return try literal(Array(text.utf8), then: next)
        case .mark(let content): return try mark(content, then: next)
        case .sequence(let forms):
            var start = next
            for form in forms.reversed() { start = try self.form(form, then: start) }
            return start
        case .choice(let forms):
            var starts: [Int32] = []
            for form in forms { starts.append(try self.form(form, then: next)) }
            return try choice(starts)
        case .list(let element, let separator, let most):
            guard most ?? 1 >= 1 else {
                throw GrammarError("#", "found a list of at most \(most ?? 0); at least 1")
            }
            let body = try self.form(element, then: Self.pop)
            let again = try literal(
                Array(separator.utf8), then: try add(.call(body, next: Self.pop)))
            let loop = try repeated(again, 0, most.map { $0 - 1 }, then: next)
            return try add(.call(body, next: loop))
        case .prose(let marker, let form):
            return try prose(
                until: Array(marker.utf8), then: try self.form(form, then: next), end: next)
        case .plain(let characters):
            let any = try repeated(try bytes(.all, then: Self.pop), 0, nil, then: next)
            let first = ByteSet.all.subtracting(ByteSet(characters.utf8))
            return try choice([next, try bytes(first, then: any)])
        }
    }

    /// Text in which a marker is looked for, as by Knuth, Morris and Pratt: a node for each length
    /// of the marker's beginning that the text ends with.
    private mutating func prose(
        until marker: [UInt8], then next: Int32, end: Int32
    ) throws(GrammarError) -> Int32 {
        var places: [Int32] = []
        for _ in marker { places.append(try reserve()) }
        for length in marker.indices {
            var targets: [Int32: ByteSet] = [:]
            for byte in UInt8.min...UInt8.max {
                let text = marker[..<length] + [byte]
                let longest = (0...length + 1).reversed().first { count in
                    text.suffix(count).elementsEqual(marker.prefix(count))
                }
                let reached = longest ?? 0
                let target = reached == marker.count ? next : places[reached]
                targets[target, default: ByteSet([])].insert(byte)
            }
            var starts = [end]
            for (target, set) in targets.sorted(by: { $0.key < $1.key }) {
                starts.append(try bytes(set, then: target))
            }
            settle(places[length], try choice(starts))
        }
        return places[0]
    }
}
