// What `checkIntegrity()` throws: a broken invariant of our own tables, found by tests after each
// step. No caller's input leads here.

/// A table of the planner contradicts another one.
public struct IntegrityError: Error, Equatable, CustomStringConvertible {
    /// What is wrong, with both values.
    public let description: String

    /// Makes an error from its text.
    init(_ description: String) { self.description = description }

    /// Throws unless an invariant holds.
    static func check(
        _ holds: Bool, _ description: @autoclosure () -> String
    ) throws(IntegrityError) {
        guard holds else { throw IntegrityError(description()) }
    }
}
