// What latent attention writes between its products. Made once for the largest step, and only for
// models that have it.

import TernTensor

/// The buffers of latent attention of one rank.
struct LatentBuffers: Sendable {
    /// Shape: `[tokens, query rank]`.
    let queryRow: Tensor
    /// Queries in the latent space, and what they attended there. Elements of all own heads.
    let absorbed, attended: Tensor
    /// Memory of all buffers.
    let bytes: Int

    /// Reserves the buffers; nil for models without latent attention.
    init?(
        _ model: ModelConfiguration, layout: RankLayout, tokens: Int
    ) throws(StorageError) {
        guard let latent = model.latent else { return nil }
        let heads = layout.ownQueryHeads.count
        queryRow = try Tensor(zeros: [tokens, latent.queryRank ?? 0])
        absorbed = try Tensor(zeros: [tokens * heads * latent.cachedWidth])
        attended = try Tensor(zeros: [tokens * heads * latent.keyValueRank])
        bytes = 4 * (queryRow.shape.count + absorbed.shape.count + attended.shape.count)
    }
}
