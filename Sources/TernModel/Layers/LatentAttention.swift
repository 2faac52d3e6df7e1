// Station 8 where keys and values of all heads come of one latent row per token, which is all that
// travels and is cached. Queries are brought into the latent space where they attend, after ranks have
// traded tokens for heads, and what was attended is brought back before they trade again.

import TernParallel
import TernPlanning
import TernTensor

/// Multi-head latent attention (MLA), its up-projections absorbed by queries and outputs.
///
/// `q · (U c) = (Uᵀ q) · c`: no key or value of a head is ever made.
/// Source: DeepseekV2Attention and DeepseekV3Attention of transformers; arXiv 2405.04434.
struct LatentAttention: Sendable {
    private let latent: LatentConfiguration
    /// To the row that queries come of, where there is one.
    private let queryDown: ReplicatedLinear?
    private let queryNorm: RMSNorm?
    private let queries: ColumnParallelLinear
    /// To the latent row and the rotated part of the key.
    private let down: ReplicatedLinear
    private let latentNorm: RMSNorm
    /// For each head from a query's plain part into the latent space, a block each.
    /// Shape: `[heads * rank, plain]`.
    private let absorb: PackedWeight
    /// For each head from the latent space to its values, a block each. Shape: `[heads * value, rank]`.
    private let up: PackedWeight
    /// The way back to the hidden size.
    let output: RowParallelLinear
    private let rule: AttentionRule
    private let pairing: RotaryPairing

    /// What the norms of latent rows add, whatever config.json says of the others.
    private static let epsilon: Float = 1e-6

    init(
        _ module: String, _ model: ModelConfiguration, _ latent: LatentConfiguration,
        heads: HeadLayout, parts: Int, from loader: WeightLoader
    ) throws {
        self.latent = latent
        let rank = latent.keyValueRank
        queryDown = try latent.queryRank.map {
            try loader.replicated(
                module + ".q_a_proj", outputs: $0, inputs: model.hiddenSize,
                hasBias: model.hasProjectionBias)
        }
        queryNorm = try latent.queryRank.map {
            try RMSNorm(
                module + ".q_a_layernorm", model, width: $0, epsilon: Self.epsilon, from: loader)
        }
        queries = try loader.headColumns(
            [Projection(module + (latent.queryRank == nil ? ".q_proj" : ".q_b_proj"))],
            heads: model.queryHeads, headDimension: latent.queryDimension,
            inputs: latent.queryRank ?? model.hiddenSize, shards: heads.queries, hasBias: false)
        down = try loader.replicated(
            module + ".kv_a_proj_with_mqa", outputs: latent.cachedWidth, inputs: model.hiddenSize,
            hasBias: model.hasProjectionBias)
        latentNorm = try RMSNorm(
            module + ".kv_a_layernorm", model, width: rank, epsilon: Self.epsilon, from: loader)
        let both = latent.plainDimension + latent.valueDimension
        let shape = [model.queryHeads * both, rank]
        absorb = try loader.heads(
            module + ".kv_b_proj", count: model.queryHeads, outputs: rank,
            inputs: latent.plainDimension
        ) {
            RowPlace(shape: shape, first: $0 * both * rank, rowStep: 1, inputStep: rank)
        }
        up = try loader.heads(
            module + ".kv_b_proj", count: model.queryHeads, outputs: latent.valueDimension,
            inputs: rank
        ) { .rows(from: $0 * both + latent.plainDimension, shape: shape) }
        output = try loader.headRows(
            module + ".o_proj", model, width: latent.valueDimension, parts: parts)
        rule = AttentionRule(scale: model.attentionScale)
        pairing = latent.isInterleaved ? .interleaved : .halves
    }

    /// Shape: `[n, hidden]` to `step.localAttended`, n the tokens of this rank.
    func attend(
        _ input: Tensor, layer: Int, _ step: StepContext
    ) throws(CommunicationError) {
        guard let buffers = step.latent else {
            preconditionFailure("latent attention: found no buffers, expected those of the model")
        }
        let (backend, local, all) = (step.backend, step.localHeads, step.allHeads)
        project(input, into: local, buffers, step)
        try step.ulysses.scatterHeads(local, into: all, by: step.communicator)
        let cache = step.cache[layer]
        backend.store(keys: all.keys, values: all.values, slots: step.slots, into: cache)
        let (absorbed, attended) = (step.absorbed(buffers), step.attendedLatents(buffers))
        enterLatentSpace(all.queries, into: absorbed, step)
        backend.attend(absorbed, cache: cache, batch: step.batch, rule, into: attended)
        leaveLatentSpace(attended, into: step.allAttended, step)
        try step.ulysses.gatherHeads(
            step.allAttended, into: step.localAttended, by: step.communicator)
    }

    /// Queries of the tensor shard and latent rows of this rank's tokens, rotated.
    private func project(
        _ input: Tensor, into local: HeadRows, _ buffers: LatentBuffers, _ step: StepContext
    ) {
        let backend = step.backend
        var source = input
        if let queryDown, let queryNorm {
            source = buffers.queryRow.prefix(input.shape[0])
            queryDown(input, into: source, on: backend)
            queryNorm(source, into: source, on: backend)
        }
        queries(source, into: local.queries.flattened, step)
        down(input, into: local.keysValues.flattened, on: backend)
        let row = local.keysValues.last(0..<latent.keyValueRank)
        latentNorm(row, into: row, on: backend)
        rotate(local.queries.last(latent.plainDimension..<latent.queryDimension), step)
        rotate(local.keysValues.last(latent.keyValueRank..<latent.cachedWidth), step)
    }

    private func rotate(_ heads: Tensor, _ step: StepContext) {
        step.backend.rotate(
            heads, positions: step.positions, table: step.rotary.table, pairing: pairing)
    }

    /// Shape: `[N, own heads, plain + rotated]` to `[N, own heads, rank + rotated]`.
    private func enterLatentSpace(_ queries: Tensor, into absorbed: Tensor, _ step: StepContext) {
        let (plain, rank) = (latent.plainDimension, latent.keyValueRank)
        // By index, here and below: an enumeration allocates where nothing is optimized.
        for index in 0..<step.ownQueryHeads.count {
            let head = step.ownQueryHeads.lowerBound + index
            step.backend.linear(
                queries.head(index, 0..<plain), absorb.outputs(blocks: head..<head + 1), bias: nil,
                into: absorbed.head(index, 0..<rank))
            step.backend.copy(
                queries.head(index, plain..<latent.queryDimension),
                into: absorbed.head(index, rank..<latent.cachedWidth))
        }
    }

    /// Shape: `[N, own heads, rank]` to `[N, own heads, value]`.
    private func leaveLatentSpace(_ attended: Tensor, into values: Tensor, _ step: StepContext) {
        for index in 0..<step.ownQueryHeads.count {
            let head = step.ownQueryHeads.lowerBound + index
            step.backend.linear(
                attended.head(index, 0..<latent.keyValueRank),
                up.outputs(blocks: head..<head + 1), bias: nil,
                into: values.head(index, 0..<latent.valueDimension))
        }
    }
}

extension Tensor {
    /// Some dimensions of one head as a matrix. Shape: `[n, heads, d]` to `[n, range]`.
    fileprivate func head(_ index: Int, _ range: Range<Int>) -> Tensor {
        let first = index * shape[2]
        return flattened.tile(
            rows: 0..<shape[0], columns: first + range.lowerBound..<first + range.upperBound)
    }
}

extension WeightLoader {
    /// A block for each head, all from places in one tensor.
    fileprivate func heads(
        _ module: String, count: Int, outputs: Int, inputs: Int, place: (Int) -> RowPlace
    ) throws -> PackedWeight {
        try matrix(
            layout: PanelLayout(blocks: Array(repeating: outputs, count: count)),
            inputParts: [0, inputs],
            sources: (0..<count).map {
                RowSource(
                    name: module + ".weight", blocks: [outputs], firstBlock: $0, place: place($0))
            }, cut: nil)
    }
}
