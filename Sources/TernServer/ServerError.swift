// Why the server cannot start or go on; requests fail with APIError.

import Glibc

/// A failure of the server as a whole.
public struct ServerError: Error, Equatable, CustomStringConvertible {
    /// Operation, found and expected, in one line.
    public let description: String

    init(_ description: String) { self.description = description }

    /// A failure that the system names by a number.
    init(errno code: Int32, _ operation: String) {
        description = "\(operation): \(String(cString: strerror(code)))"
    }
}
