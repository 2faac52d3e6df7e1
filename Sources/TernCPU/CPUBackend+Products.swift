// Products with packed weights, and what fills those and looks rows up in them.

import CTernKernels
import TernTensor

extension CPUBackend {
    /// Packs block by block; workers share the panels.
    public func pack(_ jobs: [PackJob], into weight: PackedWeight) {
        for job in jobs {
            OpChecks.pack(job, into: weight)
            let blocks = weight.layout.blockPanels
            let panels = blocks[job.block]..<blocks[job.block + 1]
            weight.layout.panelStarts.withUnsafeBufferPointer { starts in
                guard let starts = starts.baseAddress else { return }
                var arguments = tern_pack_args(
                    next: 0, source: bytes(job.source.base + job.byteOffset),
                    source_type: job.dtype.kernelType, type: weight.dtype.kernelType,
                    row_stride: Int64(job.rowStride),
                    first_input: Int64(weight.inputRange.lowerBound), inputs: Int64(weight.inputs),
                    weight: bytes(weight.address(ofPanel: panels.lowerBound)),
                    panel_bytes: Int64(weight.panelBytes), panels: Int64(panels.count),
                    panel_starts: starts + panels.lowerBound)
                pool.run(table.pack, &arguments)
            }
        }
    }

    /// Looks rows up; each is gathered from its panel.
    public func embed(
        _ tokens: Tensor, table weight: PackedWeight, scale: Float, into output: Tensor
    ) {
        OpChecks.embed(tokens, table: weight, into: output)
        weight.layout.panelStarts.withUnsafeBufferPointer { starts in
            guard let starts = starts.baseAddress else { return }
            var arguments = tern_embed_args(
                next: 0, tokens: tokens.integers, rows: Int64(output.shape[0]),
                first_row: Int64(weight.outputRows.lowerBound),
                first_input: Int64(weight.inputRange.lowerBound), inputs: Int64(weight.inputs),
                table: bytes(weight.storage.base), panel_bytes: Int64(weight.panelBytes),
                panels: Int64(weight.layout.panels), panel_starts: starts,
                type: weight.dtype.kernelType, scale: scale, output: output.floats,
                output_stride: output.stride(0))
            pool.run(table.embed, &arguments, alone: output.shape.count < Self.elementsAlone)
        }
    }

    /// Multiplies block of rows by block of rows.
    ///
    /// Cost: the weight is read from memory once for each 8 MiB of input.
    public func linear(
        _ input: Tensor, _ weight: PackedWeight, bias: Tensor?, into output: Tensor
    ) {
        OpChecks.linear(input, weight, bias: bias, into: output)
        let tile = Int(table.tile_rows)
        let rowBytes = max(weight.inputs, 1) * 4
        let block = Self.scratchBytes / rowBytes / tile * tile
        precondition(
            block > 0,
            "linear: \(weight.inputs) inputs, expected at most \(Self.scratchBytes / 4 / tile)")
        for start in stride(from: 0, to: input.shape[0], by: block) {
            let rows = start..<min(start + block, input.shape[0])
            multiply(input.rows(rows), weight, bias: bias, into: output.rows(rows))
        }
    }

    /// As `linear`, for rows that find room in `scratch`.
    private func multiply(
        _ input: Tensor, _ weight: PackedWeight, bias: Tensor?, into output: Tensor
    ) {
        let rows = input.shape[0]
        var source = input.floats
        if rows > 1 {
            source = scratch.base.assumingMemoryBound(to: Float.self)
            var packing = tern_pack_input_args(
                next: 0, input: input.floats, input_stride: input.stride(0), rows: Int64(rows),
                inputs: Int64(weight.inputs), packed: source)
            pool.run(table.pack_input, &packing, alone: input.shape.count < Self.elementsAlone)
        }
        weight.layout.panelStarts.withUnsafeBufferPointer { starts in
            weight.inputParts.withUnsafeBufferPointer { parts in
                guard let starts = starts.baseAddress, let ends = parts.baseAddress else { return }
                ends.withMemoryRebound(to: Int64.self, capacity: parts.count) { ends in
                    var arguments = tern_linear_args(
                        next: 0, input: source, rows: Int64(rows), inputs: Int64(weight.inputs),
                        weight: bytes(weight.address(ofPanel: weight.panels.lowerBound)),
                        panel_bytes: Int64(weight.panelBytes), panels: Int64(weight.panels.count),
                        panel_starts: starts + weight.panels.lowerBound, part_ends: ends,
                        parts: Int64(parts.count - 1), type: weight.dtype.kernelType,
                        workers: Int32(pool.workers), bias: bias?.floats, output: output.floats,
                        output_stride: output.stride(0))
                    pool.run(
                        table.linear, &arguments,
                        alone: rows * weight.inputs * weight.outputs < 4 * Self.elementsAlone)
                }
            }
        }
    }

    /// An address as C's `char *`.
    private func bytes(_ address: UnsafeMutableRawPointer) -> UnsafeMutablePointer<CChar> {
        address.assumingMemoryBound(to: CChar.self)
    }
}
