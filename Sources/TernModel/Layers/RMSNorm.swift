// Division by the root of the mean square, times a learned scale.

import TernTensor

/// `y = x / rms(x) * w` over the last dimension.
///
/// Source: Zhang and Sennrich, arXiv 1910.07467; as LlamaRMSNorm of transformers.
struct RMSNorm: Sendable {
    let weight: Tensor
    let epsilon: Float

    init(_ name: String, count: Int, epsilon: Float, from loader: WeightLoader) throws {
        weight = try loader.vector(name + ".weight", count: count)
        self.epsilon = epsilon
    }

    /// Shape: `[n, d]` or `[n, heads, d]`; output may be input.
    func callAsFunction(_ input: Tensor, into output: Tensor, on backend: any Backend) {
        backend.rmsNorm(input, weight: weight, epsilon: epsilon, into: output)
    }
}
