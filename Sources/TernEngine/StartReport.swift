// What a start tells while it goes on, for the log or a progress bar.

/// A phase of starting an engine.
public enum StartReport: Sendable {
    /// The memory sum, before anything is loaded.
    case memory(MemoryPlan)
    /// The share of the weights that is loaded, from 0 to 1.
    case loading(Double)
    /// Something worth a line.
    case note(String)
}
