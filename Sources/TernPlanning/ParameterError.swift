// The error for a number that a caller chose badly, in a request or on the command line. It names
// the parameter as the caller spelled it; where the value came from is the reader's knowledge.

/// A parameter outside its range.
public struct ParameterError: Error, Equatable, CustomStringConvertible {
    /// The parameter as requests and flags spell it: `top_p`, `--max-num-seqs`.
    public let parameter: String
    /// The value that was given.
    public let found: String
    /// What would have been accepted.
    public let allowed: String

    /// Makes the error from its three facts.
    public init(parameter: String, found: String, allowed: String) {
        self.parameter = parameter
        self.found = found
        self.allowed = allowed
    }

    /// One line for the caller.
    public var description: String { "\(parameter) is \(found); it must be \(allowed)" }
}

/// Throws unless a condition on one parameter holds.
func require(
    _ condition: Bool, _ parameter: String, _ found: some Any, _ allowed: String
) throws(ParameterError) {
    guard condition else {
        throw ParameterError(parameter: parameter, found: "\(found)", allowed: allowed)
    }
}
