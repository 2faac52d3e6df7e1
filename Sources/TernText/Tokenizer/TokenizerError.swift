// The one error of the tokenizer: a file that Tern cannot use, or a text that it cannot encode
// (station 2 of the walk). Bugs of our own are preconditions, never this.

import TernJSON

/// Why a tokenizer cannot be loaded or a text cannot be encoded.
public struct TokenizerError: Error, Equatable, CustomStringConvertible {
    /// One line: the place, what was found there, what is expected and what to do.
    public let message: String

    init(_ message: String) { self.message = message }

    /// One line for a person.
    public var description: String { message }
}

/// Quotes text of a file for a message: escaped as in JSON, cut where it is long.
func quoted(_ text: String) -> String {
    let limit = 60
    let head = String(String.UnicodeScalarView(text.unicodeScalars.prefix(limit)))
    let isCut = head.utf8.count < text.utf8.count
    return JSON.string(isCut ? head + "…" : head).text()
}
