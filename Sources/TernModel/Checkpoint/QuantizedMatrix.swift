// One matrix of a quantized checkpoint: which tensors of a module hold its whole numbers, scales and zero
// points, and whether they have the shapes that its scheme gives them. What words of four bits mean
// is FourBitMatrix's.

import TernTensor

/// A module's quantized weight, as its tensors hold it. Shape: `[outputs, inputs]`.
struct QuantizedMatrix: Sendable {
    private enum Numbers: Sendable {
        /// A byte each, and a scale for each row.
        case bytes(CheckpointTensor, scales: CheckpointTensor)
        /// Eight to a word, of these tensors.
        case words(FourBitMatrix, [CheckpointTensor])
    }

    private let numbers: Numbers
    let inputs: Int

    /// Finds the tensors of a module and checks their shapes.
    ///
    /// Throws: `CheckpointError`.
    init(
        _ module: String, outputs: Int, inputs: Int, _ scheme: CheckpointQuantization,
        in checkpoint: Checkpoint
    ) throws(CheckpointError) {
        self.inputs = inputs
        let form = Form(
            module: module, outputs: outputs, inputs: inputs,
            group: scheme.format(inputs: inputs).groupInputs(of: inputs), checkpoint: checkpoint)
        numbers =
            switch scheme {
            case .channelInt8: try form.bytes()
            case .packed(_, let hasZeros): try form.rows(hasZeros: hasZeros)
            case .awq: try form.columns(.outputs, zeroOffset: 0)
            case .gptq(_, let offset): try form.columns(.columns, zeroOffset: offset)
            }
    }

    /// Whether a module has such tensors.
    static func isHeld(
        _ module: String, _ scheme: CheckpointQuantization, in checkpoint: Checkpoint
    ) -> Bool {
        checkpoint.holdsWholeNumbers(module + scheme.numbersSuffix)
    }

    /// Packs blocks of neighbouring rows: the first row, the number and the block of each.
    ///
    /// Throws: `StorageError` where the system refuses memory for the scales of bytes.
    func pack(
        _ blocks: [(row: Int, count: Int, block: Int)], into view: PackedWeight,
        on backend: any Backend
    ) throws(StorageError) {
        switch numbers {
        case .words(let matrix, _):
            backend.pack(
                matrix, blocks.map { FourBitMatrix.Block(row: $0.row, block: $0.block) },
                into: view)
        case .bytes(let tensor, let saved):
            guard let first = blocks.first, let last = blocks.last else { return }
            let rows = first.row..<last.row + last.count
            let scales = try Tensor(zeros: [rows.count, 1])
            scales.withElements(of: Float.self) { output in
                for row in rows { output[row - rows.lowerBound] = saved.element(row) }
            }
            let jobs = blocks.map { row, count, block in
                let own = row - rows.lowerBound..<row - rows.lowerBound + count
                return PackJob(
                    source: tensor.storage, byteOffset: tensor.byteOffset + row * inputs,
                    rowStride: inputs, elements: .whole(scales: scales.rows(own)), block: block)
            }
            backend.pack(jobs, into: view)
        }
    }

    /// Lets the pages go that it was read from; they can be read again.
    func letGo() {
        switch numbers {
        case .bytes(let tensor, _): tensor.letGo()
        case .words(_, let tensors): for tensor in tensors { tensor.letGo() }
        }
    }
}

extension QuantizedMatrix {
    /// What the tensors of a module are asked for by.
    private struct Form {
        let module: String
        let outputs, inputs, group: Int
        let checkpoint: Checkpoint

        var groups: Int { (inputs + group - 1) / group }

        /// compressed-tensors of 8 bits.
        func bytes() throws(CheckpointError) -> Numbers {
            .bytes(
                try checkpoint.wholeNumbers(
                    module + ".weight", bytes: 1, shape: [outputs, inputs]),
                scales: try checkpoint.tensor(module + ".weight_scale", shape: [outputs, 1]))
        }

        /// compressed-tensors of 4 bits.
        func rows(hasZeros: Bool) throws(CheckpointError) -> Numbers {
            try expectNeighbours(module + ".weight_g_idx")
            return try words(
                .rows, try words(".weight_packed", [outputs, inputs / 8]),
                scales: try checkpoint.tensor(
                    module + ".weight_scale", shape: [outputs, groups]),
                zeros: hasZeros
                    ? try words(".weight_zero_point", [(outputs + 7) / 8, groups]) : nil)
        }

        /// AWQ and GPTQ.
        func columns(
            _ order: FourBitMatrix.Order, zeroOffset: Int
        ) throws(CheckpointError) -> Numbers {
            guard outputs % 8 == 0 else {
                throw CheckpointError(
                    "config.json",
                    "\(module) has \(outputs) outputs, expected a multiple of 8 for words of 4 bits"
                )
            }
            let shape = order == .outputs ? [inputs, outputs / 8] : [inputs / 8, outputs]
            let numbers = try words(
                order, try words(".qweight", shape),
                scales: try checkpoint.tensor(module + ".scales", shape: [groups, outputs]),
                zeros: try words(".qzeros", [groups, outputs / 8]), zeroOffset: zeroOffset)
            try expectNeighbours(module + ".g_idx")
            return numbers
        }

        private func words(
            _ suffix: String, _ shape: [Int]
        ) throws(CheckpointError) -> CheckpointTensor {
            try checkpoint.wholeNumbers(module + suffix, bytes: 4, shape: shape)
        }

        private func words(
            _ order: FourBitMatrix.Order, _ words: CheckpointTensor, scales: CheckpointTensor,
            zeros: CheckpointTensor?, zeroOffset: Int = 0
        ) throws(CheckpointError) -> Numbers {
            // They are held as halves, of which the largest number is 65,504.
            let largest = scales.largestMagnitude
            guard largest < 65_520 else {
                throw CheckpointError(
                    scales.file,
                    "\(module) has a scale of \(largest), expected numbers of at most 65504")
            }
            let matrix = FourBitMatrix(
                order: order, outputs: outputs, inputs: inputs, group: group,
                numbers: words.place, scales: scales.place, scaleType: scales.residentType,
                zeros: zeros?.place, zeroOffset: zeroOffset)
            return .words(matrix, [words, scales] + (zeros.map { [$0] } ?? []))
        }

        /// Refuses groups of other inputs than neighbours.
        private func expectNeighbours(_ name: String) throws(CheckpointError) {
            guard checkpoint.holds(name) else { return }
            let places = try checkpoint.wholeNumbers(name, bytes: 4, shape: [inputs])
            guard (0..<inputs).allSatisfy({ places.word($0) == $0 / group }) else {
                throw CheckpointError(
                    places.file,
                    "\(name) puts inputs in another order (desc_act), expected groups of "
                        + "neighbours")
            }
        }
    }
}

extension CheckpointTensor {
    fileprivate var place: FourBitMatrix.Place {
        FourBitMatrix.Place(storage, byteOffset: byteOffset)
    }

    /// The largest of its elements, written plainly, signs aside; no number where one is none.
    fileprivate var largestMagnitude: Float {
        switch residentType {
        case .float16: Float(Float16(bitPattern: largestBits(UInt16.self)))
        case .bfloat16: Float(bitPattern: UInt32(largestBits(UInt16.self)) << 16)
        case .float32: Float(bitPattern: largestBits(UInt32.self))
        case .int32, .int8:
            preconditionFailure("scales: found \(residentType), expected real numbers")
        }
    }

    /// The same as it is written: without signs, floating-point numbers are in the order of their
    /// bits.
    private func largestBits<Bits: FixedWidthInteger & UnsignedInteger>(_: Bits.Type) -> Bits {
        let elements = UnsafeRawPointer(storage.base + byteOffset)
        var largest: Bits = 0
        let size = MemoryLayout<Bits>.size
        // Without a check for overflow, so that the loop is one of vectors.
        for index in 0..<bytes / size {
            let bits = elements.loadUnaligned(fromByteOffset: index &* size, as: Bits.self)
            largest = max(largest, bits & Bits.max >> 1)
        }
        return largest
    }

    /// A whole number of 32 bits.
    fileprivate func word(_ index: Int) -> Int {
        Int(
            Int32(
                littleEndian: storage.base.loadUnaligned(
                    fromByteOffset: byteOffset + 4 * index, as: Int32.self)))
    }
}
