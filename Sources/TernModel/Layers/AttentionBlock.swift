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

    /// Shape: `[n, hidden]` to `step.localAttended`; the layer is counted in the rank's stage.
    func attend(
        _ input: Tensor, layer: Int, _ step: StepContext
    ) throws(CommunicationError) {
        switch self {
        case .grouped(let attention): try attention.attend(input, layer: layer, step)
        case .latent(let attention): try attention.attend(input, layer: layer, step)
        }
    }

    /// Shape: `step.localAttended` to `[n, hidden]`.
    func project(into hidden: Tensor, _ step: StepContext) throws(CommunicationError) {
        let output =
            switch self {
            case .grouped(let attention): attention.output
            case .latent(let attention): attention.output
            }
        try output(step.localAttended.flattened, into: hidden, step)
    }
}
