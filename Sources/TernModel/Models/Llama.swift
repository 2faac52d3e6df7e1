// The decoder that Llama made common: every family here is this walk with other switches, which
// ModelConfiguration holds. Tokens go in, logits of the rows that asked for them come out; a stage of
// a pipeline does its part of the way.

import TernParallel
import TernPlanning
import TernTensor

/// A pre-norm decoder with rotary embedding, grouped-query attention and a gated MLP or experts.
///
/// Serves LlamaForCausalLM, Qwen2ForCausalLM (biases on the projections), Qwen3ForCausalLM
/// (normalized query and key heads), Qwen3MoeForCausalLM (experts besides) and MixtralForCausalLM.
/// Source: modeling_llama.py, modeling_qwen2.py, modeling_qwen3.py, modeling_qwen3_moe.py and
/// modeling_mixtral.py of transformers 5.
public struct Llama: Sendable {
    private struct Layer {
        let attentionNorm: RMSNorm
        let attention: Attention
        let mlpNorm: RMSNorm
        let feedForward: FeedForward
    }

    /// Of the first stage.
    private let embedding: WeightShard?
    /// Of this stage.
    private let layers: [Layer]
    /// Of the last stage.
    private let head: Head?

    /// Declares the weights of a model that a stage needs, whole: ranks see their shards of them.
    ///
    /// Throws: `CheckpointError` for a tensor that is missing or has another shape.
    public init(
        _ model: ModelConfiguration, layout: RankLayout, from loader: WeightLoader
    ) throws {
        let parts = layout.topology.parts
        func norm(_ name: String) throws -> RMSNorm {
            try RMSNorm(name, count: model.hiddenSize, epsilon: model.normEpsilon, from: loader)
        }
        let vocabulary = Partition(panelsOf: model.vocabularySize, parts: parts)
        func table(_ name: String) throws -> WeightShard {
            try loader.vocabularyRows(name, vocabulary: vocabulary, hidden: model.hiddenSize)
        }
        // As transformers does: a head that the file holds counts more than the flag that ties it.
        let isTied =
            model.tiesEmbeddings
            && !loader.holds("lm_head.weight", apartFrom: "model.embed_tokens.weight")
        let embedding =
            layout.isFirstStage || layout.isLastStage && isTied
            ? try table("model.embed_tokens.weight") : nil
        layers = try layout.layers.map { index in
            let name = "model.layers.\(index)"
            return Layer(
                attentionNorm: try norm(name + ".input_layernorm"),
                attention: try Attention(
                    name + ".self_attn", model, heads: layout.heads, parts: parts, from: loader),
                mlpNorm: try norm(name + ".post_attention_layernorm"),
                feedForward: try FeedForward(
                    layer: index, name, model, parts: parts, from: loader))
        }
        self.embedding = embedding
        head =
            layout.isLastStage
            ? Head(
                norm: try norm("model.norm"),
                weight: try (isTied ? embedding : nil) ?? table("lm_head.weight")) : nil
    }

    /// Layers of this stage.
    public var layerCount: Int { layers.count }

    /// Runs one step of this rank's stage, or of its first layers alone: for measurement.
    ///
    /// Shape: logits `[sampled rows, vocabulary]`, float32, valid until the next step; nil where
    /// another rank has them.
    /// Throws: where a peer failed.
    /// Cost: allocates nothing per layer.
    public func forward(
        _ step: StepContext, layers limit: Int = .max
    ) throws(CommunicationError) -> Tensor? {
        let backend = step.backend
        let hidden = step.hidden
        let normed = step.normed
        let update = step.update
        let stages = step.pipelineGroup
        if let embedding, stages.index == 0 {
            backend.embed(step.tokenIDs, table: embedding.whole, into: hidden)
        } else {
            try step.communicator.receive(into: hidden, from: stages.index - 1, over: stages)
        }
        // By index: an iterator over values of this size is put on the heap in debug builds.
        for index in layers.indices.prefix(limit) {
            let layer = layers[index]
            layer.attentionNorm(hidden, into: normed, on: backend)
            try layer.attention(normed, layer: index, into: update, step)
            backend.add(update, to: hidden)
            layer.mlpNorm(hidden, into: normed, on: backend)
            try layer.feedForward(normed, into: update, step)
            backend.add(update, to: hidden)
        }
        guard let head else {
            try step.communicator.send(hidden, to: stages.index + 1, over: stages)
            return nil
        }
        return try head(hidden, step)
    }
}
