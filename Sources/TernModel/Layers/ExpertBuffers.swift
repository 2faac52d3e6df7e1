// What a mixture of experts writes between its products. Made once for the largest step, and only
// for models that have experts.

import TernPlanning
import TernTensor

/// The buffers of mixtures of experts of one rank.
struct ExpertBuffers: Sendable {
    /// What the router says, and whom it chooses. Shape: `[tokens, experts]`, then
    /// `[tokens, perToken]` twice, the first of them int32.
    let logits, chosen, shares: Tensor
    /// One expert's tokens. Shape: `[tokens, hidden]`.
    let input: Tensor
    /// What is inside it, for as many tokens and as much of its width as any view asks for; what is
    /// activated takes the place of its gates.
    let gateUp: Tensor
    /// What experts give, a row for each pair of the dispatch; then the sum over the ranks that
    /// split the experts' width, the same memory where there is one. Shape: `[pairs, hidden]`.
    let rows, summedRows: Tensor
    let dispatch: ExpertDispatch
    /// Where some view lets tokens travel to their experts.
    let exchange: ExpertExchange?
    /// Memory of all buffers.
    let bytes: Int

    /// Reserves the buffers; nil for models without experts. The worst case is that all tokens of
    /// a step go to one rank, those of all replicas that share the experts, each with all its
    /// experts there, and to one of its experts.
    init?(
        _ model: ModelConfiguration, layout: RankLayout, tokens: Int
    ) throws(StorageError) {
        guard let experts = model.experts else { return nil }
        let allTokens = tokens * layout.topology.lockstepSize
        var bytes = 0
        func buffer(
            _ rows: Int, _ columns: Int, _ dtype: DType = .float32
        ) throws(StorageError) -> Tensor {
            bytes += rows * columns * dtype.bytes
            return try Tensor(zeros: [rows, columns], dtype: dtype)
        }
        logits = try buffer(tokens, experts.count)
        chosen = try buffer(tokens, experts.perToken, .int32)
        shares = try buffer(tokens, experts.perToken)
        input = try buffer(allTokens, model.hiddenSize)
        let width = ShardRanges(
            Partition(panelsOf: experts.innerWidth, parts: layout.topology.parts))
        let inner =
            layout.allViews.map { view in
                let most =
                    ExpertSharing.isDispatched(view)
                    ? allTokens
                    : TokenPartition(tokens: tokens, among: view.sequenceGroup.size)[0].count
                return most * width[view.expertTensorGroup].count
            }.max() ?? 0
        gateUp = try buffer(2, inner)
        rows = try buffer(allTokens * experts.perToken, model.hiddenSize)
        summedRows =
            try layout.headGroup.isSingle
            ? rows : buffer(allTokens * experts.perToken, model.hiddenSize)
        dispatch = try ExpertDispatch(
            experts: experts, tokens: allTokens, parts: layout.topology.expertParts)
        exchange = try ExpertExchange(
            experts, hidden: model.hiddenSize, layout: layout, tokens: tokens)
        self.bytes = bytes + dispatch.bytes + (exchange?.bytes ?? 0)
    }
}
