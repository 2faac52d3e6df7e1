// Products with packed weights, and what looks rows up in them.

import CTernKernels
import TernTensor

extension CPUBackend {
    /// Looks rows up; each is gathered from its panel.
    public func embed(
        _ tokens: Tensor, table weight: PackedWeight, scale: Float, into output: Tensor
    ) {
        OpChecks.embed(tokens, table: weight, into: output)
        weight.layout.panelStarts.withUnsafeBufferPointer { starts in
            guard let starts = starts.baseAddress else { return }
            var arguments = tern_embed_args(
                tokens: tokens.integers, rows: Int64(output.shape[0]),
                first_row: Int64(weight.outputRows.lowerBound),
                first_input: Int64(weight.inputRange.lowerBound), inputs: Int64(weight.inputs),
                table: bytes(weight.storage.base), panel_bytes: Int64(weight.panelBytes),
                panels: Int64(weight.layout.panels), panel_starts: starts,
                type: weight.format.kernelType, stored_inputs: Int64(weight.storedInputs),
                group: Int64(weight.groupInputs), scale: scale, output: output.floats,
                output_stride: output.stride(0))
            pool.run(table.embed, &arguments, alone: output.shape.count < Self.elementsAlone)
        }
    }

    /// Multiplies block of rows by block of rows.
    ///
    /// Cost: the weight is read from memory once for each 8 MiB of input, of which those for
    /// quantized weights take a quarter; of many rows by each worker for its own.
    public func linear(
        _ input: Tensor, _ weight: PackedWeight, bias: Tensor?, into output: Tensor
    ) {
        OpChecks.linear(input, weight, bias: bias, into: output)
        let tile = Int(table.tile_rows)
        let segments = weight.format.isQuantized ? weight.segmentCount : 0
        let form = InputForm(of: weight, precision)
        let elementBytes = self.elementBytes(of: weight, as: form)
        let rowBytes = max(elementBytes + segments * 8, 1)
        let block = Self.scratchBytes / rowBytes / tile * tile
        precondition(
            block > 0,
            "linear: rows of \(rowBytes) bytes, expected at most \(Self.scratchBytes / tile)")
        for start in stride(from: 0, to: input.shape[0], by: block) {
            let rows = start..<min(start + block, input.shape[0])
            multiply(
                input.rows(rows), form, elementBytes: elementBytes, weight, segments: segments,
                bias: bias, into: output.rows(rows))
        }
    }

    /// As `linear`, for rows that find room in `scratch`.
    private func multiply(
        _ input: Tensor, _ form: InputForm, elementBytes: Int, _ weight: PackedWeight,
        segments: Int, bias: Tensor?, into output: Tensor
    ) {
        let rows = input.shape[0]
        let packed = PackedRows(
            scratch, form, elementBytes: rows * elementBytes, segments: rows * segments)
        weight.layout.panelStarts.withUnsafeBufferPointer { starts in
            weight.inputParts.withUnsafeBufferPointer { parts in
                guard let starts = starts.baseAddress, let ends = parts.baseAddress else { return }
                ends.withMemoryRebound(to: Int64.self, capacity: parts.count) { ends in
                    let isPacked = pack(input, into: packed, weight, ends, parts: parts.count - 1)
                    var arguments = tern_linear_args(
                        input: isPacked ? packed.elements : input.address,
                        rows: Int64(rows), inputs: Int64(weight.inputs),
                        weight: bytes(weight.address(ofPanel: weight.panels.lowerBound)),
                        panel_bytes: Int64(weight.panelBytes), panels: Int64(weight.panels.count),
                        panel_starts: starts + weight.panels.lowerBound, part_ends: ends,
                        parts: Int64(parts.count - 1), stored_inputs: Int64(weight.storedInputs),
                        group: Int64(weight.groupInputs), segments: Int64(segments),
                        scales: packed.scales, sums: packed.sums,
                        type: form.kernelType(of: weight, sumOrder),
                        workers: Int32(pool.workers), bias: bias?.floats, output: output.floats,
                        output_stride: output.stride(0))
                    pool.run(
                        table.linear, &arguments,
                        alone: rows * weight.inputs * weight.outputs < 4 * Self.elementsAlone)
                }
            }
        }
    }

    /// Memory for one row of inputs in their form.
    private func elementBytes(of weight: PackedWeight, as form: InputForm) -> Int {
        if form == .floats { return weight.inputs * 4 }
        return weight.inputParts.withUnsafeBufferPointer { parts in
            guard let ends = parts.baseAddress else { return 0 }
            return ends.withMemoryRebound(to: Int64.self, capacity: parts.count) { ends in
                let bytes = table.row_bytes(
                    form.kernelType(of: weight, sumOrder), ends, Int64(parts.count - 1),
                    Int64(weight.groupInputs))
                return Int(bytes)
            }
        }
    }

    /// Brings rows into the form that the kernels read; false where they are read as they are.
    private func pack(
        _ input: Tensor, into packed: PackedRows, _ weight: PackedWeight,
        _ partEnds: UnsafePointer<Int64>, parts: Int
    ) -> Bool {
        guard packed.form != .floats || input.shape[0] > 1 else { return false }
        var arguments = tern_pack_input_args(
            input: input.floats, input_stride: input.stride(0),
            rows: Int64(input.shape[0]), inputs: Int64(weight.inputs), packed: packed.elements,
            type: packed.form.kernelType(of: weight, sumOrder), workers: Int32(pool.workers),
            part_ends: partEnds, parts: Int64(parts), group: Int64(weight.groupInputs),
            scales: packed.scales, sums: packed.sums)
        let kernel =
            switch packed.form {
            case .floats: table.pack_input
            case .rounded: table.round_input
            case .bytes: table.quantize_input
            }
        pool.run(kernel, &arguments, alone: input.shape.count < Self.elementsAlone)
        return true
    }

    /// An address as C's `char *`.
    func bytes(_ address: UnsafeMutableRawPointer) -> UnsafeMutablePointer<CChar> {
        address.assumingMemoryBound(to: CChar.self)
    }
}

/// What the inputs of a product become on their way to the kernels.
private enum InputForm {
    /// Numbers as they are.
    case floats
    /// Numbers rounded to bfloat16, laid out as the set of kernels wants them.
    case rounded
    /// Whole numbers of a byte, laid out as the set of kernels wants them.
    case bytes

    init(of weight: PackedWeight, _ precision: ProductPrecision) {
        self =
            weight.format.isQuantized
            ? .bytes : precision.roundsInputs(of: weight.format) ? .rounded : .floats
    }

    /// The weight's type as kernels know it, whose products take inputs in this form.
    func kernelType(of weight: PackedWeight, _ order: SumOrder) -> Int32 {
        guard self == .rounded else { return weight.format.kernelType }
        return switch order {
        case .pairs: Int32(TERN_BFLOAT16_PAIRS)
        case .tiles: Int32(TERN_BFLOAT16_CHAINS)
        }
    }
}

/// Where the rows of a product's input lie in scratch memory, ready for the kernels.
private struct PackedRows {
    let form: InputForm
    let elements: UnsafeMutableRawPointer
    /// Of each row and segment, where the weight is quantized.
    let scales: UnsafeMutablePointer<Float>
    let sums: UnsafeMutablePointer<Int32>

    /// Bytes and segments of all rows.
    init(_ scratch: Storage, _ form: InputForm, elementBytes: Int, segments: Int) {
        self.form = form
        elements = scratch.base
        let numbers = elements + elementBytes
        scales = numbers.assumingMemoryBound(to: Float.self)
        sums = (numbers + segments * 4).assumingMemoryBound(to: Int32.self)
    }
}
