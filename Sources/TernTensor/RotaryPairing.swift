// Which dimensions of a head turn together; the table of angles is the same.

/// The pairs that rotary embeddings rotate, of the first r dimensions of a head.
public enum RotaryPairing: Sendable, Equatable {
    /// Pair i is dimensions i and i + r/2.
    case halves
    /// Pair i is dimensions 2i and 2i + 1.
    case interleaved
}
