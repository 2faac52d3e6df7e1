// The grammar that a request's text must follow, as a value that travels in the plan: its own text,
// and nothing made of it. Who samples compiles it (TernText/Grammar) and may keep what was compiled.

/// The text of a grammar.
///
/// Two are equal where their bytes are; those that share their storage compare at once.
public struct GrammarSource: Sendable, Hashable {
    /// What the grammar's compiler reads, in UTF-8.
    public let text: [UInt8]

    /// Makes a source; the text is checked where it is compiled.
    public init(text: [UInt8]) { self.text = text }
}
