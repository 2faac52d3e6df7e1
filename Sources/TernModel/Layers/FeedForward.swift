// What stands between attention and the next layer: an MLP, or a mixture of many small ones, to which
// an MLP that every token goes to may be added.

import TernParallel
import TernTensor

/// The second half of a decoder layer.
enum FeedForward: Sendable {
    case dense(MLP)
    case sparse(MixtureOfExperts, shared: MLP?)

    /// The kind that the configuration gives a layer, whose module is named.
    init(
        layer: Int, _ module: String, _ model: ModelConfiguration, parts: Int,
        from loader: WeightLoader
    ) throws {
        func mlp(_ name: String, _ width: Int) throws -> MLP {
            try MLP(module + name, model, innerWidth: width, parts: parts, from: loader)
        }
        guard let experts = model.experts, experts.isSparse(layer) else {
            self = .dense(try mlp(".mlp", model.intermediateSize))
            return
        }
        self = .sparse(
            try MixtureOfExperts(layer: module, model, experts, parts: parts, from: loader),
            shared: try experts.sharedWidth.map { try mlp(".mlp.shared_experts", $0) })
    }

    /// Shape: `[n, hidden]` to `[n, hidden]`.
    func callAsFunction(
        _ input: Tensor, into hidden: Tensor, _ step: StepContext
    ) throws(CommunicationError) {
        switch self {
        case .dense(let mlp): try mlp(input, into: hidden, step)
        case .sparse(let experts, let shared):
            try experts(input, into: hidden, step)
            guard let shared, let buffers = step.experts else { return }
            // No expert runs any more: the room for their tokens is free.
            let added = buffers.input.prefix(input.shape[0])
            try shared(input, into: added, step)
            step.backend.add(added, to: hidden)
        }
    }
}
