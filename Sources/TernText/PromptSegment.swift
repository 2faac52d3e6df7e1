// A chat prompt between ChatTemplate, which renders it, and Tokenizer, which turns it into tokens
// (station 2 of the walk). It keeps apart what the template wrote and what came from users, so
// that only the former can become control tokens. It does not render or tokenize.

/// A stretch of a rendered prompt.
public enum PromptSegment: Sendable, Equatable {
    /// Text of the template itself: control tokens in it are recognised.
    case template(String)
    /// Text that came with the request: it never becomes a control token.
    case literal(String)
}
