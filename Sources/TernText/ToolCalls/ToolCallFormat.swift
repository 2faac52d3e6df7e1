// How a model writes the calls of tools: the family of its template decides the words around them, the
// request decides which functions there are and whether one must be called. Both become the form to
// which the text is kept; ToolCallParser reads what comes of it.
//
// Source: the chat templates of Hermes 2 Pro and Qwen 2.5, of Llama 3.1, and of Mistral 7B v0.3.

import TernJSON

/// A way of writing calls.
public enum ToolCallFamily: Sendable, Equatable {
    /// `<tool_call>\n{"name": …, "arguments": …}\n</tool_call>`, after any text.
    case hermes
    /// `{"name": …, "parameters": …}`, or a text.
    case llama
    /// `[TOOL_CALLS][{"name": …, "arguments": …}]`, or a text.
    case mistral
    /// `{"name": …, "arguments": …}` where a call is asked for: the template knows no tools.
    case bare

    /// The family of a template, by the words that only its like has.
    public init(template: String) {
        if template.contains("<tool_call>") && !template.contains("<function=") {
            self = .hermes
        } else if template.contains("[TOOL_CALLS]") {
            self = .mistral
        } else if template.contains("\"parameters\": ") && template.contains("ipython") {
            self = .llama
        } else {
            self = .bare
        }
    }

    /// The member that holds the arguments.
    var argumentsKey: String { self == .llama ? "parameters" : "arguments" }
}

/// A function that may be called.
public struct ToolFunction: Sendable, Equatable {
    /// Its name: letters, digits, `_` and `-`.
    public let name: String
    /// What its arguments must satisfy.
    public let parameters: JSON

    /// Makes a function.
    public init(name: String, parameters: JSON) {
        self.name = name
        self.parameters = parameters
    }
}

/// What may be called in one reply, and how it is written.
public struct ToolCallFormat: Sendable, Equatable {
    /// The words around calls.
    public let family: ToolCallFamily
    /// The functions; at least one.
    public let functions: [ToolFunction]
    /// Whether there must be a call.
    public let isRequired: Bool
    /// Whether there may be several.
    public let allowsSeveral: Bool

    /// Makes a format.
    public init(
        _ family: ToolCallFamily, functions: [ToolFunction], isRequired: Bool, allowsSeveral: Bool
    ) {
        self.family = family
        self.functions = functions
        self.isRequired = isRequired
        self.allowsSeveral = allowsSeveral
    }

    /// Whether calls and text can be told apart; false where a template that knows no tools leaves
    /// the choice to the model.
    public var isReadable: Bool { isRequired || family != .bare }

    /// What the text is kept to.
    public var form: GrammarForm {
        switch family {
        case .hermes: hermes
        case .llama: isRequired ? call : .choice([call, .plain(notFrom: " {")])
        case .mistral: isRequired ? mistral : .choice([mistral, .plain(notFrom: " [")])
        case .bare: call
        }
    }

    /// The object of one call.
    private var call: GrammarForm {
        .choice(
            functions.map { function in
                .sequence([
                    .text(
                        "{\"name\": \(JSON.string(function.name).text()), "
                            + "\"\(family.argumentsKey)\": "),
                    .schema(function.parameters), .text("}"),
                ])
            })
    }

    private var most: Int? { allowsSeveral ? nil : 1 }

    private var hermes: GrammarForm {
        let inside = GrammarForm.sequence([.text("\n"), call, .text("\n</tool_call>")])
        let whole = GrammarForm.sequence([.text(ToolCallParser.marker), inside])
        let list = GrammarForm.list(whole, separator: "\n", most: most)
        if isRequired { return list }
        let more = GrammarForm.choice([.text(""), .sequence([.text("\n"), list])])
        return .prose(
            until: ToolCallParser.marker,
            then: allowsSeveral ? .sequence([inside, more]) : inside)
    }

    private var mistral: GrammarForm {
        .sequence([
            .mark("[TOOL_CALLS]"), .text("["), .list(call, separator: ", ", most: most), .text("]"),
        ])
    }
}
