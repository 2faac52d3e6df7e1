// What stands between attention and the next layer: an MLP, or a mixture of many small ones.

import TernParallel
import TernTensor

/// The second half of a decoder layer.
enum FeedForward: Sendable {
    case dense(MLP)
    case sparse(MixtureOfExperts)

    /// The kind that the configuration gives a layer, whose module is named.
    init(
        layer: Int, _ module: String, _ model: ModelConfiguration, parts: Int,
        from loader: WeightLoader
    ) throws {
        if let experts = model.experts, experts.isSparse(layer) {
            self = .sparse(
                try MixtureOfExperts(
                    layer: module, model, experts, parts: parts, from: loader))
        } else {
            self = .dense(try MLP(module + ".mlp", model, parts: parts, from: loader))
        }
    }

    /// Shape: `[n, hidden]` to `[n, hidden]`.
    func callAsFunction(
        _ input: Tensor, into hidden: Tensor, _ step: StepContext
    ) throws(CommunicationError) {
        switch self {
        case .dense(let mlp): try mlp(input, into: hidden, step)
        case .sparse(let experts): try experts(input, into: hidden, step)
        }
    }
}
