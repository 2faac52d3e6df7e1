// The gated activations of feed-forward layers: values that layers give to
// `Backend.activateMultiply`.

/// What becomes of a gate and its up.
public enum GatedActivation: Sendable, Equatable {
    /// `gate * sigmoid(gate) * up`. Source: Shazeer, arXiv 2002.05202.
    case silu
    /// `gate * (1 + tanh(u)) / 2 * up`, `u = sqrt(2 / pi) * (gate + 0.044715 * gate^3)`: gelu as
    /// gelu_pytorch_tanh approximates it. Source: Hendrycks and Gimpel, arXiv 1606.08415.
    case geluTanh
    /// `gate * sigmoid(alpha * gate) * (up + 1)`, the gate at most `limit`, the up within
    /// `±limit`. Source: GptOssExperts of transformers.
    case clampedSwiGLU(limit: Float, alpha: Float)
}
