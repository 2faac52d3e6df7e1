// One matrix of a quantized checkpoint: whole numbers in the tensors of its module, in the order that
// its scheme has them, become rows of bytes with scales and zero points, which is what backends pack.

import TernTensor

/// A module's quantized weight, as its tensors hold it. Shape: `[outputs, inputs]`.
struct QuantizedMatrix: Sendable {
    private let scheme: CheckpointQuantization
    private let numbers: CheckpointTensor
    /// Shape: `[outputs, 1]` of int8, else `[groups, outputs]`.
    private let scales: CheckpointTensor
    /// Shape: `[groups, outputs / 8]`, int32; of int4 alone.
    private let zeros: CheckpointTensor?
    private let outputs: Int
    let inputs: Int

    /// Finds the tensors of a module and checks their shapes.
    ///
    /// Throws: `CheckpointError`.
    init(
        _ module: String, outputs: Int, inputs: Int, _ scheme: CheckpointQuantization,
        in checkpoint: Checkpoint
    ) throws(CheckpointError) {
        self.scheme = scheme
        self.outputs = outputs
        self.inputs = inputs
        guard scheme != .channelInt8 else {
            numbers = try checkpoint.wholeNumbers(
                module + ".weight", bytes: 1, shape: [outputs, inputs])
            scales = try checkpoint.tensor(module + ".weight_scale", shape: [outputs, 1])
            zeros = nil
            return
        }
        let group = scheme.format(inputs: inputs).groupInputs(of: inputs)
        guard outputs % 8 == 0 else {
            throw CheckpointError(
                "config.json",
                "\(module) has \(outputs) outputs, expected a multiple of 8 for words of 4 bits")
        }
        let groups = (inputs + group - 1) / group
        numbers = try checkpoint.wholeNumbers(
            module + ".qweight", bytes: 4,
            shape: scheme.isAWQ ? [inputs, outputs / 8] : [inputs / 8, outputs])
        scales = try checkpoint.tensor(module + ".scales", shape: [groups, outputs])
        guard scales.encoding == .plain(.float16) else {
            throw CheckpointError(
                scales.file, "tensor \(module).scales holds other numbers than F16, expected F16")
        }
        zeros = try checkpoint.wholeNumbers(
            module + ".qzeros", bytes: 4, shape: [groups, outputs / 8])
        let order = module + ".g_idx"
        if checkpoint.holds(order) {
            let places = try checkpoint.wholeNumbers(order, bytes: 4, shape: [inputs])
            guard (0..<inputs).allSatisfy({ places.word($0) == $0 / group }) else {
                throw CheckpointError(
                    places.file,
                    "\(order) puts inputs in another order (desc_act), expected groups of "
                        + "neighbours")
            }
        }
    }

    /// Whether a module has such tensors.
    static func isHeld(
        _ module: String, _ scheme: CheckpointQuantization, in checkpoint: Checkpoint
    ) -> Bool {
        checkpoint.holdsWholeNumbers(module + (scheme == .channelInt8 ? ".weight" : ".qweight"))
    }

    /// Jobs that pack blocks of neighbouring rows: the first row, the number and the block of each.
    ///
    /// Cost: memory for a byte an element, unless the file has them so.
    func jobs(
        _ blocks: [(row: Int, count: Int, block: Int)]
    ) throws(StorageError) -> [PackJob] {
        guard let first = blocks.first, let last = blocks.last else { return [] }
        let rows = first.row..<last.row + last.count
        let expanded = scheme == .channelInt8 ? nil : try fourBits(of: rows)
        let groups = scheme.format(inputs: inputs).groups(of: inputs)
        let scales = try Tensor(zeros: [rows.count, groups])
        let zeros = self.zeros == nil ? nil : try Tensor(zeros: [rows.count, groups])
        for row in rows {
            for group in 0..<groups {
                let index = (row - rows.lowerBound) * groups + group
                scales.withElements(of: Float.self) { $0[index] = scale(row, group: group) }
                zeros?.withElements(of: Float.self) { $0[index] = Float(zero(row, group: group)) }
            }
        }
        return blocks.map { row, count, block in
            let own = row - rows.lowerBound..<row - rows.lowerBound + count
            return PackJob(
                source: expanded ?? numbers.storage,
                byteOffset: expanded == nil
                    ? numbers.byteOffset + row * inputs : own.lowerBound * inputs,
                rowStride: inputs,
                elements: .quantized(scales: scales.rows(own), zeros: zeros?.rows(own)),
                block: block)
        }
    }

    /// Lets the pages go that its numbers were read from; they can be read again.
    func letGo() { numbers.letGo() }

    private func scale(_ row: Int, group: Int) -> Float {
        scales.element(scheme == .channelInt8 ? row : group * outputs + row)
    }

    private func zero(_ row: Int, group: Int) -> Int {
        guard let zeros else { return 0 }
        let word = zeros.word(group * (outputs / 8) + row / 8)
        switch scheme {
        case .channelInt8: return 0
        case .awq: return word >> (4 * Self.awqPlace(row % 8)) & 15
        case .gptq(_, let offset): return (word >> (4 * (row % 8)) & 15) + offset
        }
    }

    /// Where AWQ keeps an output of eight in a word: 0, 2, 4, 6, 1, 3, 5, 7 is the order of places.
    private static func awqPlace(_ output: Int) -> Int { output / 2 + output % 2 * 4 }

    /// Rows of a byte an element.
    private func fourBits(of rows: Range<Int>) throws(StorageError) -> Storage {
        let memory = try Storage(zeroedBytes: max(1, rows.count * inputs))
        let bytes = memory.base.assumingMemoryBound(to: UInt8.self)
        for input in 0..<inputs {
            let place = scheme.isAWQ ? input * (outputs / 8) : input / 8 * outputs
            for row in rows {
                let word = numbers.word(place + (scheme.isAWQ ? row / 8 : row))
                let nibble = scheme.isAWQ ? Self.awqPlace(row % 8) : input % 8
                bytes[(row - rows.lowerBound) * inputs + input] =
                    UInt8(truncatingIfNeeded: word >> (4 * nibble) & 15)
            }
        }
        return memory
    }
}

extension CheckpointQuantization {
    /// Whether words hold neighbouring outputs, not neighbouring inputs.
    fileprivate var isAWQ: Bool { if case .awq = self { true } else { false } }
}

extension CheckpointTensor {
    /// A whole number of 32 bits.
    fileprivate func word(_ index: Int) -> Int {
        Int(
            Int32(
                littleEndian: storage.base.loadUnaligned(
                    fromByteOffset: byteOffset + 4 * index, as: Int32.self)))
    }
}
