// The decoder that Llama made common: every family here is this walk with other switches, which
// ModelConfiguration holds. Tokens go in, logits of the rows that asked for them come out; a stage of
// a pipeline does its part of the way.

import TernParallel
import TernPlanning
import TernTensor

/// A decoder with rotary embedding and normalized blocks: attention, and an MLP or experts.
///
/// Serves every family of `Architecture`.
/// Source: the modeling files of transformers 5 for each of them.
public struct Llama: Sendable {
    /// Of the first stage.
    private let embedding: WeightShard?
    private let embeddingScale: Float
    /// Of this stage.
    private let layers: [DecoderLayer]
    /// Of the last stage.
    private let head: Head?

    /// Declares the weights of a model that a stage needs, whole: ranks see their shards of them.
    ///
    /// Throws: `CheckpointError` for a tensor that is missing or has another shape.
    public init(
        _ model: ModelConfiguration, layout: RankLayout, from loader: WeightLoader
    ) throws {
        let parts = layout.topology.parts
        let vocabulary = Partition(panelsOf: model.vocabularySize, parts: parts)
        func table(_ name: String, isHead: Bool) throws -> WeightShard {
            try loader.vocabularyRows(
                name, vocabulary: vocabulary, hidden: model.hiddenSize, isHead: isHead)
        }
        // As transformers does: a head that the file holds counts more than the flag that ties it.
        let isTied =
            model.tiesEmbeddings
            && !loader.holds("lm_head.weight", apartFrom: "model.embed_tokens.weight")
        let embedding =
            layout.isFirstStage || layout.isLastStage && isTied
            ? try table("model.embed_tokens.weight", isHead: isTied) : nil
        layers = try layout.layers.map { try DecoderLayer($0, model, layout, from: loader) }
        self.embedding = embedding
        // As transformers does, which multiplies in the type of the weights.
        embeddingScale = loader.dtype.rounded(model.embeddingScale)
        head =
            layout.isLastStage
            ? Head(
                norm: try RMSNorm("model.norm", model, from: loader),
                weight: try (isTied ? embedding : nil) ?? table("lm_head.weight", isHead: true),
                softCap: model.logitSoftCap) : nil
    }

    /// Layers of this stage.
    public var layerCount: Int { layers.count }

    /// Runs one step of this rank's stage, or of its first layers alone: for measurement. Turns of
    /// the step go all the way one after another.
    ///
    /// Shape: logits `[sampled rows, vocabulary]`, float32, valid until the next step; nil where
    /// another rank has them.
    /// Throws: where a peer failed.
    /// Cost: allocates nothing per layer.
    public func forward(
        _ step: StepContext, layers limit: Int = .max
    ) throws(CommunicationError) -> Tensor? {
        for turn in 0..<step.turns.count { try pass(step.turn(turn), layers: limit) }
        return try head?(step)
    }

    /// The way of one turn through this stage.
    private func pass(
        _ turn: StepContext, layers limit: Int
    ) throws(CommunicationError) {
        let stages = turn.pipelineGroup
        if let embedding, stages.index == 0 {
            turn.backend.embed(
                turn.tokenIDs, table: embedding.whole, scale: embeddingScale, into: turn.hidden)
        } else {
            try turn.communicator.receive(
                into: turn.hidden, from: stages.index - 1, over: stages)
        }
        try walk(turn, layers: min(limit, layers.count))
        if head == nil {
            try turn.communicator.send(turn.hidden, to: stages.index + 1, over: stages)
        }
    }

    /// The layers of this stage, or the first of them.
    ///
    /// In the last stage only tokens whose logits are asked for come to the end, for behind the last
    /// attention no other sees the rest.
    private func walk(_ turn: StepContext, layers count: Int) throws(CommunicationError) {
        let isLastStage = head != nil
        // By index: an iterator over values of this size is put on the heap in debug builds.
        for index in 0..<count {
            if index == 0 {
                layers[index].attentionNorm(turn.hidden, into: turn.normed, on: turn.backend)
            }
            try layers[index].attend(layer: index, turn)
            if isLastStage && index + 1 == layers.count {
                try layers[index].finish(next: nil, turn.onlySampled())
            } else {
                let next = index + 1 < count ? layers[index + 1].attentionNorm : nil
                try layers[index].finish(next: next, turn)
            }
        }
        if isLastStage && count < layers.count { _ = turn.onlySampled() }
    }
}
