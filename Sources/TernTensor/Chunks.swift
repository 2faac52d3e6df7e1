// How a row as long as a vocabulary is cut for the ops that summarize it, so that what is looked for in
// it can be found without walking through all of it.

/// Chunks of a row.
public enum Chunks {
    /// Elements of each, but for the last.
    public static let elements = 512

    /// How many a row of so many elements has.
    public static func count(of elements: Int) -> Int {
        (elements + Self.elements - 1) / Self.elements
    }

    /// The elements of one, of a row of so many.
    public static func range(_ chunk: Int, of elements: Int) -> Range<Int> {
        chunk * Self.elements..<min((chunk + 1) * Self.elements, elements)
    }
}
