// Why a sequence ended: the closed set that the scheduler, the engine and the server share. The
// server maps it to the words of its protocol; nothing here does.

/// Why a sequence ended.
public enum FinishReason: String, Sendable, CaseIterable {
    /// The model drew an end-of-sequence or stop token, or the text reached a stop string.
    case stop
    /// The sequence reached its own limit of tokens or the model's length.
    case length
    /// The client left.
    case cancelled
    /// The engine could not go on with it.
    case failed
}
