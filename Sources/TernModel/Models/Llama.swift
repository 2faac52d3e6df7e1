// The decoder that Llama made common: every family here is this walk with other switches, which
// ModelConfiguration holds. Tokens go in, logits of the rows that asked for them come out.

import TernTensor

/// A pre-norm decoder with rotary embedding, grouped-query attention and a gated MLP.
///
/// Serves LlamaForCausalLM, Qwen2ForCausalLM (biases on the projections) and Qwen3ForCausalLM
/// (normalized query and key heads).
/// Source: modeling_llama.py, modeling_qwen2.py, modeling_qwen3.py of transformers 5.
public struct Llama: Sendable {
    private struct Layer {
        let attentionNorm: RMSNorm
        let attention: Attention
        let mlpNorm: RMSNorm
        let mlp: MLP
    }

    private let embedding: PackedWeight
    private let layers: [Layer]
    private let head: Head

    /// Declares the weights of a model.
    ///
    /// Throws: `CheckpointError` for a tensor that is missing or has another shape.
    public init(_ model: ModelConfiguration, from loader: WeightLoader) throws {
        func norm(_ name: String) throws -> RMSNorm {
            try RMSNorm(name, count: model.hiddenSize, epsilon: model.normEpsilon, from: loader)
        }
        embedding = try loader.vocabularyRows(
            "model.embed_tokens.weight", vocabulary: model.vocabularySize, hidden: model.hiddenSize)
        layers = try (0..<model.layers).map { index in
            let name = "model.layers.\(index)"
            return Layer(
                attentionNorm: try norm(name + ".input_layernorm"),
                attention: try Attention(name + ".self_attn", model, from: loader),
                mlpNorm: try norm(name + ".post_attention_layernorm"),
                mlp: try MLP(name + ".mlp", model, from: loader))
        }
        // As transformers does: a head that the file holds counts more than the flag that ties it.
        let isTied =
            model.tiesEmbeddings
            && !loader.holds("lm_head.weight", apartFrom: "model.embed_tokens.weight")
        let rows =
            isTied
            ? embedding
            : try loader.vocabularyRows(
                "lm_head.weight", vocabulary: model.vocabularySize, hidden: model.hiddenSize)
        head = Head(norm: try norm("model.norm"), weight: rows)
    }

    /// Runs one step.
    ///
    /// Shape: logits `[step.sampledRows, vocabulary]`, float32, valid until the next step.
    /// Cost: allocates nothing per layer.
    public func forward(_ step: StepContext) -> Tensor {
        let backend = step.backend
        let hidden = step.hidden
        let normed = step.normed
        let update = step.update
        backend.embed(step.tokenIDs, table: embedding, into: hidden)
        // By index: an iterator over values of this size is put on the heap in debug builds.
        for index in layers.indices {
            let layer = layers[index]
            layer.attentionNorm(hidden, into: normed, on: backend)
            layer.attention(normed, layer: index, into: update, step)
            backend.add(update, to: hidden)
            layer.mlpNorm(hidden, into: normed, on: backend)
            layer.mlp(normed, into: update, step)
            backend.add(update, to: hidden)
        }
        return head(hidden, step)
    }
}
