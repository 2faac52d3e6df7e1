// Four-bit weights of a checkpoint into panels.

import CTernKernels
import TernTensor

extension CPUBackend {
    /// Lays panel by panel out; workers share strips of neighbouring panels.
    public func pack(
        _ matrix: FourBitMatrix, _ blocks: [FourBitMatrix.Block], into weight: PackedWeight
    ) {
        OpChecks.pack(matrix, blocks, into: weight)
        let layout = weight.layout
        let rows = blocks.flatMap { block in
            let panels = layout.blockPanels[block.block]..<layout.blockPanels[block.block + 1]
            return panels.map { panel in
                let own = layout.rows(ofPanel: panel)
                let first = layout.rows(ofPanel: panels.lowerBound).lowerBound
                return tern_panel_rows(
                    panel: Int64(panel), first: Int64(block.row + own.lowerBound - first),
                    count: Int64(own.count))
            }
        }
        rows.withUnsafeBufferPointer { rows in
            guard let first = rows.baseAddress else { return }
            var arguments = tern_pack_words_args(
                numbers: bytes(matrix.numbers.address),
                scales: bytes(matrix.scales.address),
                zeros: matrix.zeros.map { UnsafePointer(bytes($0.address)) },
                order: matrix.order.kernelOrder, scale_type: matrix.scaleType.kernelType,
                zero_offset: Int32(matrix.zeroOffset), outputs: Int64(matrix.outputs),
                stored_inputs: Int64(matrix.inputs), group: Int64(matrix.group),
                first_input: Int64(weight.inputRange.lowerBound), inputs: Int64(weight.inputs),
                weight: bytes(weight.storage.base), panel_bytes: Int64(weight.panelBytes),
                panels: Int64(rows.count), rows: first)
            pool.run(table.pack_words, &arguments)
        }
    }
}

extension FourBitMatrix.Order {
    fileprivate var kernelOrder: Int32 {
        switch self {
        case .rows: Int32(TERN_WORDS_OF_ROWS)
        case .columns: Int32(TERN_WORDS_OF_COLUMNS)
        case .outputs: Int32(TERN_WORDS_OF_OUTPUTS)
        }
    }
}
