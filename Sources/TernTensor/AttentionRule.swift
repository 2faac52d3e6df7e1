// What attention does beyond plain causal softmax: values that a model's layers give to
// `Backend.attend`. Which layer has which rule is the model's business.

/// How scores become weights, and which keys a query sees.
///
/// Source: the eager attentions of Mistral (window), Gemma2 (soft cap) and GptOss (sinks) in
/// transformers.
public struct AttentionRule: Sendable {
    /// Factor of each product of query and key.
    public let scale: Float
    /// A query at position p sees positions p - window + 1 through p; all from 0 where nil.
    public let window: Int?
    /// Scaled scores s become `softCap * tanh(s / softCap)`.
    public let softCap: Float?
    /// One more score per query head, as of a key whose value is zero: it takes part in the sum
    /// of the softmax alone. Shape: `[queryHeads]`.
    public let sinks: Tensor?

    /// Plain causal attention, but for what is given.
    public init(scale: Float, window: Int? = nil, softCap: Float? = nil, sinks: Tensor? = nil) {
        self.scale = scale
        self.window = window
        self.softCap = softCap
        self.sinks = sinks
    }

    /// The positions that a query sees.
    func seen(from position: Int) -> ClosedRange<Int> {
        max(0, position - (window ?? .max) + 1)...position
    }
}
