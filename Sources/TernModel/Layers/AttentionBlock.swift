// The first half of a decoder layer, of either kind.

import TernParallel
import TernPlanning
import TernTensor

/// Attention with keys and values for groups of queries, or with one latent row for all.
enum AttentionBlock: Sendable {
    case grouped(Attention)
    case latent(LatentAttention)

    /// The kind that the configuration gives a layer, whose module is named.
    init(
        layer: Int, _ module: String, _ model: ModelConfiguration, heads: HeadLayout, parts: Int,
        from loader: WeightLoader
    ) throws {
        if let latent = model.latent {
            self = .latent(
                try LatentAttention(
                    module, model, latent, heads: heads, parts: parts, from: loader))
        } else {
            self = .grouped(
                try Attention(
                    layer: layer, module, model, heads: heads, parts: parts, from: loader))
        }
    }

    /// Shape: `[n, hidden]` to `[n, hidden]`; the layer is counted in the rank's stage.
    func callAsFunction(
        _ input: Tensor, layer: Int, into hidden: Tensor, _ step: StepContext
    ) throws(CommunicationError) {
        switch self {
        case .grouped(let attention): try attention(input, layer: layer, into: hidden, step)
        case .latent(let attention): try attention(input, layer: layer, into: hidden, step)
        }
    }
}
