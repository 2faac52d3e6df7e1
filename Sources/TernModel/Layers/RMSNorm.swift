// Division by the root of the mean square, times a learned scale.

import TernTensor

/// Where a decoder's norms stand, and what their weights mean.
public struct NormStyle: Sendable, Equatable {
    /// Whether the scale is one more than the weight.
    public var addsOne = false
    /// Whether what a block gives is normalized too, before it is added.
    public var isOnBothSides = false
}

/// `y = x / rms(x) * w` over the last dimension.
///
/// Source: Zhang and Sennrich, arXiv 1910.07467; as LlamaRMSNorm and Gemma2RMSNorm of transformers.
struct RMSNorm: Sendable {
    let weight: Tensor
    let epsilon: Float

    /// The norm of a module; of `width` elements, or as many as the hidden size. `epsilon` is the
    /// model's where none is given.
    init(
        _ module: String, _ model: ModelConfiguration, width: Int? = nil, epsilon: Float? = nil,
        from loader: WeightLoader
    ) throws {
        weight = try loader.vector(
            module + ".weight", count: width ?? model.hiddenSize,
            adding: model.norms.addsOne ? 1 : 0)
        self.epsilon = epsilon ?? model.normEpsilon
    }

    /// Shape: `[n, d]` or `[n, heads, d]`; output may be input.
    func callAsFunction(_ input: Tensor, into output: Tensor, on backend: any Backend) {
        backend.rmsNorm(input, weight: weight, epsilon: epsilon, into: output)
    }

    /// Of `hidden`, once `update` has been added to it. Shape: `[n, d]` all.
    func callAsFunction(
        adding update: Tensor, to hidden: Tensor, into output: Tensor, on backend: any Backend
    ) {
        backend.addNormalize(
            update, to: hidden, weight: weight, epsilon: epsilon, into: output)
    }
}
