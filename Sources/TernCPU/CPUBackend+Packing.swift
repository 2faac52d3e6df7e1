// What fills packed weights: rows of matrices, and a checkpoint's words of four-bit numbers. Workers
// share the panels of a call, however many blocks those belong to.

import CTernKernels
import TernTensor

extension CPUBackend {
    /// Packs panel by panel; bits are those of the reference.
    public func pack(_ jobs: [PackJob], into weight: PackedWeight) {
        OpChecks.pack(jobs, into: weight)
        let sources = jobs.flatMap { job in
            weight.layout.panels(ofBlock: job.block).map { panel in
                tern_panel_source(job, panel: panel, of: weight.layout)
            }
        }
        sources.withUnsafeBufferPointer { sources in
            guard let first = sources.baseAddress else { return }
            var arguments = tern_pack_args(
                sources: first, panels: Int64(sources.count), type: weight.format.kernelType,
                first_input: Int64(weight.inputRange.lowerBound), inputs: Int64(weight.inputs),
                stored_inputs: Int64(weight.storedInputs), group: Int64(weight.groupInputs),
                weight: bytes(weight.storage.base), panel_bytes: Int64(weight.panelBytes))
            pool.run(
                weight.format.isQuantized ? table.pack_quantized : table.pack, &arguments)
        }
    }

    /// Lays panel by panel out; workers share strips of neighbouring panels.
    public func pack(
        _ matrix: FourBitMatrix, _ blocks: [FourBitMatrix.Block], into weight: PackedWeight
    ) {
        OpChecks.pack(matrix, blocks, into: weight)
        let layout = weight.layout
        let rows = blocks.flatMap { block in
            layout.panels(ofBlock: block.block).map { panel in
                tern_panel_rows(
                    panel: Int64(panel),
                    first: Int64(block.row + layout.rows(ofBlock: block.block, beforePanel: panel)),
                    count: Int64(layout.rows(ofPanel: panel).count))
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

extension tern_panel_source {
    /// The rows of a job that one panel of its block takes.
    fileprivate init(_ job: PackJob, panel: Int, of layout: PanelLayout) {
        let before = layout.rows(ofBlock: job.block, beforePanel: panel)
        let rowBytes = job.rowStride * job.elements.bytes
        self.init(
            source: UnsafePointer(
                (job.source.base + job.byteOffset + before * rowBytes)
                    .assumingMemoryBound(to: CChar.self)),
            row_bytes: Int64(rowBytes), scales: nil, source_type: Int32(TERN_FLOAT32),
            rows: Int32(layout.rows(ofPanel: panel).count), panel: Int64(panel))
        switch job.elements {
        case .real(let dtype): source_type = dtype.kernelType
        case .whole(let scales): self.scales = UnsafePointer(scales.floats + before)
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
