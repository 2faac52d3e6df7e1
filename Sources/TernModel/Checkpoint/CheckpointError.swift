// The one error of reading a model folder: a line that says which file, what was found, what was
// expected and, where there is a choice, what to do.

/// A model folder that cannot be used.
public struct CheckpointError: Error, Equatable, CustomStringConvertible {
    /// The file within the folder, or the folder.
    public let file: String
    /// What was found and what is expected.
    public let reason: String

    /// An error about one file.
    public init(_ file: String, _ reason: String) {
        self.file = file
        self.reason = reason
    }

    /// One line for a person.
    public var description: String { "\(file): \(reason)" }
}
