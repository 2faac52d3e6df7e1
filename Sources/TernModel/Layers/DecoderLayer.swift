// Station 7 once over: attention, then an MLP or experts, each of them normalized and added to the
// hidden values that walk through. What a block adds and the norm of the next block are one op, so a
// layer ends with the norm that the next one begins with.

import TernParallel
import TernTensor

/// One layer of a decoder.
struct DecoderLayer: Sendable {
    private let attention: AttentionBlock
    private let feedForward: FeedForward
    /// Before attention.
    let attentionNorm: RMSNorm
    /// Before what follows it.
    private let feedForwardNorm: RMSNorm
    /// After them, in families with norms on both sides.
    private let attendedNorm, updateNorm: RMSNorm?

    init(
        _ index: Int, _ model: ModelConfiguration, _ layout: RankLayout,
        from loader: WeightLoader
    ) throws {
        let name = "model.layers.\(index)"
        let parts = layout.topology.parts
        func norm(_ suffix: String) throws -> RMSNorm {
            try RMSNorm(name + suffix, model, from: loader)
        }
        let isOnBothSides = model.norms.isOnBothSides
        attentionNorm = try norm(".input_layernorm")
        attention = try AttentionBlock(
            layer: index, name + ".self_attn", model, heads: layout.heads, parts: parts,
            from: loader)
        attendedNorm = try isOnBothSides ? norm(".post_attention_layernorm") : nil
        feedForwardNorm = try norm(
            isOnBothSides ? ".pre_feedforward_layernorm" : ".post_attention_layernorm")
        feedForward = try FeedForward(layer: index, name, model, parts: parts, from: loader)
        updateNorm = try isOnBothSides ? norm(".post_feedforward_layernorm") : nil
    }

    /// The half in which tokens see each other: `step.normed`, which holds what `attentionNorm`
    /// makes of the hidden values, becomes `step.localAttended`. The layer is counted in the rank's
    /// stage.
    func attend(layer: Int, _ step: StepContext) throws(CommunicationError) {
        try attention.attend(step.normed, layer: layer, step)
    }

    /// The half in which each token is by itself: `step.localAttended` and what follows are added to
    /// `step.hidden`, of which `next`, where a layer follows, makes `step.normed`.
    func finish(next: RMSNorm?, _ step: StepContext) throws(CommunicationError) {
        let (backend, normed, update) = (step.backend, step.normed, step.update)
        let hidden = step.hidden
        try attention.project(into: update, step)
        attendedNorm?(update, into: update, on: backend)
        feedForwardNorm(adding: update, to: hidden, into: normed, on: backend)
        try feedForward(normed, into: update, step)
        updateNorm?(update, into: update, on: backend)
        if let next {
            next(adding: update, to: hidden, into: normed, on: backend)
        } else {
            backend.add(update, to: hidden)
        }
    }
}
