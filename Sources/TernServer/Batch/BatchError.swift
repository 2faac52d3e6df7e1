// Why a batch cannot start or go on. What is wrong with one of its requests is that line's answer
// instead, an APIError like any other.

import Glibc

/// A failure of a batch as a whole.
public struct BatchError: Error, Equatable, CustomStringConvertible {
    /// Operation, found and expected, in one line.
    public let description: String

    init(_ description: String) { self.description = description }

    /// A failure that the system names by a number.
    init(errno code: Int32, _ operation: String) {
        description = "\(operation): \(String(cString: strerror(code)))"
    }
}
