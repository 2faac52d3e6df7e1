// Station 8: attention of one decoder layer over the paged cache: project, normalize, rotate, store,
// attend, project back. Between rotating and storing, ranks that split tokens trade them for heads;
// after attending they trade back. No line here asks for the mode.

import TernParallel
import TernPlanning
import TernTensor

/// Causal attention with grouped queries.
///
/// Source: the attentions of Llama, Mistral, Qwen2, Qwen3, Phi3, Gemma2, Gemma3 and GptOss of
/// transformers.
struct Attention: Sendable {
    private let queries: ColumnParallelLinear
    private let keysValues: ColumnParallelLinear
    /// The way back to the hidden size.
    let output: RowParallelLinear
    private let queryNorm: RMSNorm?
    private let keyNorm: RMSNorm?
    private let rule: AttentionRule
    private let isLocal: Bool

    init(
        layer: Int, _ module: String, _ model: ModelConfiguration, heads: HeadLayout, parts: Int,
        from loader: WeightLoader
    ) throws {
        let dimension = model.headDimension
        let names = Self.projections(module, model)
        queries = try loader.headColumns(
            [names.query], heads: model.queryHeads, headDimension: dimension,
            inputs: model.hiddenSize, shards: heads.queries, hasBias: model.hasProjectionBias)
        keysValues = try loader.headColumns(
            [names.key, names.value], heads: model.keyValueHeads, headDimension: dimension,
            inputs: model.hiddenSize, shards: heads.keysValues, hasBias: model.hasProjectionBias)
        output = try loader.headRows(module + ".o_proj", model, width: dimension, parts: parts)
        let norm = { (name: String) in
            model.normalizesHeads
                ? try RMSNorm(module + name, model, width: dimension, from: loader) : nil
        }
        queryNorm = try norm(".q_norm")
        keyNorm = try norm(".k_norm")
        isLocal = model.windows[layer] != nil
        rule = AttentionRule(
            scale: model.attentionScale, window: model.windows[layer],
            softCap: model.attentionSoftCap,
            sinks: model.hasSinks
                ? try loader.vector(module + ".sinks", count: model.queryHeads) : nil)
    }

    /// Shape: `[n, hidden]` to `step.localAttended`, n the tokens of this rank.
    func attend(
        _ input: Tensor, layer: Int, _ step: StepContext
    ) throws(CommunicationError) {
        let backend = step.backend
        let local = step.localHeads
        let table = (isLocal ? step.localRotary : step.rotary).table
        queries(input, into: local.queries.flattened, step)
        keysValues(input, into: local.keysValues.flattened, step)
        queryNorm?(local.queries, into: local.queries, on: backend)
        keyNorm?(local.keys, into: local.keys, on: backend)
        backend.rotate(local.queries, positions: step.positions, table: table, pairing: .halves)
        backend.rotate(local.keys, positions: step.positions, table: table, pairing: .halves)
        let all = step.allHeads
        try step.ulysses.scatterHeads(local, into: all, by: step.communicator)
        let cache = step.cache[layer]
        backend.store(keys: all.keys, values: all.values, slots: step.slots, into: cache)
        let attended = step.allAttended
        backend.attend(
            all.queries, cache: cache, batch: step.batch, rule.of(heads: step.ownQueryHeads),
            into: attended)
        try step.ulysses.gatherHeads(
            attended, into: step.localAttended, by: step.communicator)
    }

    private static func projections(
        _ module: String, _ model: ModelConfiguration
    ) -> (query: Projection, key: Projection, value: Projection) {
        guard model.fusesProjections else {
            return ("\(module).q_proj", "\(module).k_proj", "\(module).v_proj")
        }
        let (queries, keys) = (model.queryHeads, model.keyValueHeads)
        func fused(_ first: Int) -> Projection {
            Projection(
                module + ".qkv_proj",
                fused: (first * model.headDimension, (queries + 2 * keys) * model.headDimension))
        }
        return (fused(0), fused(queries), fused(queries + keys))
    }
}

extension AttentionRule {
    /// The rule for some of the query heads.
    fileprivate func of(heads: Range<Int>) -> AttentionRule {
        AttentionRule(scale: scale, window: window, softCap: softCap, sinks: sinks?.rows(heads))
    }
}

extension WeightLoader {
    /// The projection from heads of a width back to the hidden size; parts are whole heads.
    func headRows(
        _ module: String, _ model: ModelConfiguration, width: Int, parts: Int
    ) throws -> RowParallelLinear {
        let heads = Partition(count: model.queryHeads, unit: 1, parts: parts).boundaries
        return try rows(
            module, outputs: model.hiddenSize, inputParts: heads.map { $0 * width },
            hasBias: model.hasOutputBias)
    }
}
