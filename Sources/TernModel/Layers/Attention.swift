// Station 8: attention of one decoder layer over the paged cache: project, normalize, rotate, store,
// attend, project back. Between rotating and storing, ranks that split tokens trade them for heads;
// after attending they trade back. No line here asks for the mode.

import Glibc
import TernParallel
import TernPlanning
import TernTensor

/// Causal attention with grouped queries.
///
/// Source: LlamaAttention, Qwen2Attention and Qwen3Attention of transformers.
struct Attention: Sendable {
    private let queries: ColumnParallelLinear
    private let keysValues: ColumnParallelLinear
    private let output: RowParallelLinear
    private let queryNorm: RMSNorm?
    private let keyNorm: RMSNorm?
    private let scale: Float

    init(
        _ module: String, _ model: ModelConfiguration, heads: HeadLayout, parts: Int,
        from loader: WeightLoader
    ) throws {
        let dimension = model.headDimension
        queries = try loader.headColumns(
            [module + ".q_proj"], heads: model.queryHeads, headDimension: dimension,
            inputs: model.hiddenSize, shards: heads.queries, hasBias: model.hasProjectionBias)
        keysValues = try loader.headColumns(
            [module + ".k_proj", module + ".v_proj"], heads: model.keyValueHeads,
            headDimension: dimension, inputs: model.hiddenSize, shards: heads.keysValues,
            hasBias: model.hasProjectionBias)
        let headParts = Partition(count: model.queryHeads, unit: 1, parts: parts).boundaries
        output = try loader.rows(
            module + ".o_proj", outputs: model.hiddenSize,
            inputParts: headParts.map { $0 * dimension }, hasBias: model.hasOutputBias)
        let norm = { (name: String) in
            model.normalizesHeads
                ? try RMSNorm(
                    module + name, count: dimension, epsilon: model.normEpsilon, from: loader) : nil
        }
        queryNorm = try norm(".q_norm")
        keyNorm = try norm(".k_norm")
        scale = 1 / sqrtf(Float(dimension))
    }

    /// Shape: `[n, hidden]` to `[n, hidden]`, n the tokens of this rank.
    func callAsFunction(
        _ input: Tensor, layer: Int, into hidden: Tensor, _ step: StepContext
    ) throws(CommunicationError) {
        let backend = step.backend
        let local = step.localHeads
        let key = local.keysValues.third(0)
        queries(input, into: local.queries.flattened, step)
        keysValues(input, into: local.keysValues.flattened, step)
        queryNorm?(local.queries, into: local.queries, on: backend)
        keyNorm?(key, into: key, on: backend)
        backend.rotate(local.queries, positions: step.positions, table: step.rotary.table)
        backend.rotate(key, positions: step.positions, table: step.rotary.table)
        let all = step.allHeads
        try step.ulysses.scatterHeads(local, into: all, by: step.communicator)
        let cache = step.cache[layer]
        backend.store(all.keysValues, slots: step.slots, into: cache)
        let attended = step.allAttended
        backend.attend(
            all.queries, cache: cache, batch: step.batch, scale: scale, into: attended)
        try step.ulysses.gatherHeads(
            attended, into: step.localAttended, by: step.communicator)
        try output(step.localAttended.flattened, into: hidden, step)
    }
}
