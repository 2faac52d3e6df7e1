// Why a chat template could not be read or rendered. A template comes with a model and a
// conversation from a request: both are the caller's input, so every failure is a value, with the
// line of the template. It holds no path and nothing of the machine.

/// Why a chat template could not be read or rendered.
public struct ChatTemplateError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What went wrong, as far as callers act on it.
    public enum Kind: Sendable, Equatable {
        /// The model's folder holds no template that can be read.
        case source
        /// The template breaks the grammar, or asks for what this engine does not know.
        case syntax
        /// An operation of the template met a value it cannot work with.
        case evaluation
        /// The template itself refused the conversation by `raise_exception`.
        case refusal
        /// The template asked for more time, memory or depth than one rendering may have.
        case limit
        /// What was given to render is no conversation.
        case conversation
    }

    /// What went wrong, as far as callers act on it.
    public let kind: Kind
    /// Line of the template, counted from 1; nil where the failure has none.
    public let line: Int?
    /// What was found, what was expected, and what to do.
    public let reason: String

    init(_ kind: Kind, line: Int? = nil, _ reason: String) {
        self.kind = kind
        self.line = line
        self.reason = reason
    }

    /// One line for a person.
    public var description: String {
        if let line { "chat template, line \(line): \(reason)" } else { "chat template: \(reason)" }
    }
}
