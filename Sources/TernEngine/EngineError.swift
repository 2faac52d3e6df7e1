// Why the engine cannot do what it was asked to, sorted by whose concern it is.

/// A request or a start that failed.
public struct EngineError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Whose concern a failure is.
    public enum Kind: Sendable, Equatable {
        /// The caller's: a field, named as in requests, is out of its range.
        case invalid(parameter: String?)
        /// The caller's: the prompt does not fit the model or the cache.
        case tooLong
        /// Nobody's: too much waits, and later there will be room.
        case overloaded
        /// Nobody's: the engine stops or has not started.
        case unavailable
        /// Ours or the machine's: a rank failed.
        case failed
    }

    /// Whose concern it is.
    public let kind: Kind
    /// Operation, found and expected, in one line.
    public let message: String

    /// An error of a kind.
    public init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    /// The message.
    public var description: String { message }
}
