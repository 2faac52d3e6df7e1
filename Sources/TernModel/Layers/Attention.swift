// Attention of one decoder layer over the paged cache: project, normalize, rotate, store, attend,
// project back. Ulysses' two exchanges will stand around `attend`; with one rank they are the
// identity.

import Glibc
import TernPlanning
import TernTensor

/// Causal attention with grouped queries.
///
/// Source: LlamaAttention, Qwen2Attention and Qwen3Attention of transformers.
struct Attention: Sendable {
    private let queries: Linear
    private let keysValues: Linear
    private let output: Linear
    private let queryNorm: RMSNorm?
    private let keyNorm: RMSNorm?
    private let scale: Float

    init(_ module: String, _ model: ModelConfiguration, from loader: WeightLoader) throws {
        let dimension = model.headDimension
        queries = try loader.headColumns(
            [module + ".q_proj"], heads: model.queryHeads, headDimension: dimension,
            inputs: model.hiddenSize, hasBias: model.hasProjectionBias)
        keysValues = try loader.headColumns(
            [module + ".k_proj", module + ".v_proj"], heads: model.keyValueHeads,
            headDimension: dimension, inputs: model.hiddenSize, hasBias: model.hasProjectionBias)
        let headParts = Partition(count: model.queryHeads, unit: 1).boundaries
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

    /// Shape: `[n, hidden]` to `[n, hidden]`.
    func callAsFunction(_ input: Tensor, layer: Int, into hidden: Tensor, _ step: StepContext) {
        let backend = step.backend
        let query = step.queries
        let keyValue = step.keysValues
        let key = keyValue.third(0)
        queries(input, into: query.flattened, on: backend)
        keysValues(input, into: keyValue.flattened, on: backend)
        queryNorm?(query, into: query, on: backend)
        keyNorm?(key, into: key, on: backend)
        backend.rotate(query, positions: step.positions, table: step.rotary.table)
        backend.rotate(key, positions: step.positions, table: step.rotary.table)
        let cache = step.cache[layer]
        backend.store(keyValue, slots: step.slots, into: cache)
        let attended = step.attended
        backend.attend(query, cache: cache, batch: step.batch, scale: scale, into: attended)
        output(attended.flattened, into: hidden, on: backend)
    }
}
