// The buffers of one rank, made once, for the largest step of either mode: what a step is told, and
// one memory for the values between its ops, in which each mode has a layout of its own.

import TernPlanning
import TernTensor

/// The buffers of one rank, for the largest step.
public struct StepBuffers: Sendable {
    /// Input ids, positions and slots of the step's tokens. Shape: `[tokens]` each, int32.
    public let tokenIDs, positions, slots: Tensor
    /// The rows whose logits are asked for, counted in the step. Shape: `[logitRows]`, int32.
    public let sampledRows: Tensor
    /// See `AttentionBatch`.
    public let spans, blocks: Tensor
    /// The spans of each turn, one turn after the other. Shape: `[sequences + turns, 4]`, int32.
    let turnSpans: Tensor
    /// The rank's own of the sampled rows, counted in their turn. Shape: `[logitRows]`, int32.
    let localSampledRows: Tensor
    /// Of layers that see all positions, and of those with a window; most models have one for both.
    let rotary, localRotary: RotaryEmbedding
    /// Where the model has latent attention.
    let latent: LatentBuffers?
    /// Where the model has experts.
    let experts: ExpertBuffers?
    /// See `StepLimits`.
    let rowsAtOnce: Int
    /// Memory of all buffers.
    public let bytes: Int
    /// What both modes' values lie in.
    let memory: Storage
    private let sequenceMode, tensorMode: Activations

    /// Reserves the buffers; they become resident as far as steps use them.
    public init(
        _ model: ModelConfiguration, layout: RankLayout, limits: StepLimits
    ) throws(StorageError) {
        var bytes = 0
        func numbers(_ shape: Shape) throws(StorageError) -> Tensor {
            bytes += shape.count * DType.int32.bytes
            return try Tensor(zeros: shape, dtype: .int32)
        }
        let (sequence, tensor) = (
            ActivationSizes(model, layout: layout, view: layout[.sequence], limits: limits),
            ActivationSizes(model, layout: layout, view: layout[.tensor], limits: limits)
        )
        rowsAtOnce = limits.rowsAtOnce
        let (tokens, sequences, rows) = (limits.tokens, limits.sequences, limits.logitRows)
        tokenIDs = try numbers([tokens])
        positions = try numbers([tokens])
        slots = try numbers([tokens])
        sampledRows = try numbers([rows])
        localSampledRows = try numbers([rows])
        spans = try numbers([sequences, 4])
        turnSpans = try numbers([sequences + RowTurns(tokens, atMost: limits.rowsAtOnce).count, 4])
        blocks = try numbers([sequences * limits.blocksPerSequence])
        memory = try Storage(zeroedBytes: Self.paged(max(sequence.bytes, tensor.bytes)))
        sequenceMode = Activations(sequence, in: memory)
        tensorMode = Activations(tensor, in: memory)
        rotary = try RotaryEmbedding(model.rope, positions: limits.positions)
        localRotary =
            try model.localRope.map { (rope) throws(StorageError) in
                try RotaryEmbedding(rope, positions: limits.positions)
            } ?? rotary
        let most = max(sequence.rows, tensor.rows, sequence.tradesTokens ? tokens : 1)
        latent = try LatentBuffers(model, layout: layout, tokens: most)
        experts = try ExpertBuffers(model, layout: layout, tokens: tokens)
        let angles = rotary.bytes + (model.localRope == nil ? 0 : localRotary.bytes)
        self.bytes =
            bytes + memory.bytes + angles + (latent?.bytes ?? 0) + (experts?.bytes ?? 0)
    }

    /// Whole huge pages where they are many, for the system lets such memory begin with one. Less shares
    /// its pages with what lies beside it.
    private static func paged(_ bytes: Int) -> Int {
        let page = 2 << 20
        return bytes < 8 * page ? bytes : (bytes + page - 1) / page * page
    }

    /// The values of a mode's steps.
    subscript(mode: ParallelMode) -> Activations {
        switch mode {
        case .sequence: sequenceMode
        case .tensor: tensorMode
        }
    }

    /// Computes the angles of positions that no step has reached before.
    func reach(positions: Int) {
        rotary.reach(positions: positions)
        if !localRotary.table.isSameView(as: rotary.table) {
            localRotary.reach(positions: positions)
        }
    }
}
