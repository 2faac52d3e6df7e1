// What is wrong with a message between the server and its ranks' process.

/// A message that cannot be read, or a socket that fails.
struct FrameError: Error, Equatable, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
