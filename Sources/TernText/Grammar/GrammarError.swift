// Why a grammar is refused before anything is generated under it.

/// A schema or form that cannot be made into a grammar.
public struct GrammarError: Error, Equatable, CustomStringConvertible {
    /// Where in the schema, as a JSON pointer; `#` is the schema itself.
    public let path: String
    /// What was found there and what may stand there.
    public let reason: String

    /// An error at a place.
    public init(_ path: String, _ reason: String) {
        self.path = path
        self.reason = reason
    }

    /// One line for a person.
    public var description: String { "\(path): \(reason)" }
}

/// What a grammar may cost. Its text comes from anyone.
public struct GrammarLimits: Sendable {
    /// Bytes of the text.
    public var textBytes = 1 << 16
    /// Nodes of the compiled grammar.
    public var nodes = 1 << 14
    /// Frames of the stack while a text is followed: how deep values may nest, twice over.
    public var depth = 128
    /// Ways of reading one text that are followed at once; the first ones found stay.
    public var readings = 128
    /// States that are remembered before all are forgotten.
    public var states = 4096
    /// Masks that are remembered before all are forgotten.
    public var masks = 256

    /// The usual limits.
    public init() {}
}
