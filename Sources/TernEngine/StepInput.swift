// Station 6: a plan becomes the rows of numbers that the model reads: ids, positions, slots, block
// tables. It fills buffers that exist; it decides nothing.

import TernModel
import TernPlanning
import TernTensor

/// The counts of a plan whose numbers stand in a rank's buffers.
struct StepInput {
    let counts: StepCounts

    /// Writes a plan's numbers into the first rows of the buffers.
    init(_ plan: StepPlan, writing buffers: StepBuffers, blockSize: Int) {
        var tokens = 0
        var entries = 0
        var logitRows = 0
        let room = buffers.tokenIDs.shape[0]
        precondition(plan.tokenCount <= room, "plan of \(plan.tokenCount) tokens, \(room) fit")
        let asked = plan.spans.reduce(0) { $0 + $1.logitRows }
        let rowRoom = buffers.sampledRows.shape[0]
        precondition(asked <= rowRoom, "plan of \(asked) rows of logits, \(rowRoom) fit")
        for (index, span) in plan.spans.enumerated() {
            Self.write(
                [tokens, span.tokens.count, span.firstPosition, entries], to: buffers.spans,
                at: index * 4)
            Self.write(span.blockTable.map { Int($0.rawValue) }, to: buffers.blocks, at: entries)
            entries += span.blockTable.count
            Self.write(span.tokens.map { Int($0.rawValue) }, to: buffers.tokenIDs, at: tokens)
            Self.write(Array(span.positions), to: buffers.positions, at: tokens)
            let slots = span.positions.map { position in
                Int(span.blockTable[position / blockSize].rawValue) * blockSize
                    + position % blockSize
            }
            Self.write(slots, to: buffers.slots, at: tokens)
            if let scoring = span.scoring {
                Self.write(
                    scoring.rows.map { tokens + $0 }, to: buffers.sampledRows, at: logitRows)
            }
            tokens += span.tokens.count
            logitRows += span.logitRows
            if span.sampling != nil {
                Self.write([tokens - 1], to: buffers.sampledRows, at: logitRows - 1)
            }
        }
        counts = StepCounts(
            tokens: tokens, sequences: plan.spans.count, tableEntries: entries,
            sampled: logitRows)
    }

    private static func write(_ values: [Int], to tensor: Tensor, at offset: Int) {
        tensor.withElements(of: Int32.self) { elements in
            for (index, value) in values.enumerated() { elements[offset + index] = Int32(value) }
        }
    }
}
