// Where the rows of a declared weight come from: which tensor of the checkpoint, which of its elements,
// and into which blocks of the packed weight. Who fills which share is WeightFill's.

import TernTensor

/// Rows of a checkpoint's matrix that go into consecutive blocks of a packed weight.
struct RowSource {
    /// The tensor's name in the checkpoint; its shape is `[rows, inputs]` if no place is given.
    let name: String
    /// Rows of each of its blocks, in order; together all rows of the tensor, or of its place.
    let blocks: [Int]
    /// The block of the weight that takes the first one.
    var firstBlock = 0
    /// How far it is from one to the next: 2 where two sources take turns.
    var blockStep = 1
    /// Where the tensor holds other elements too, or holds them in another order.
    var place: RowPlace?
    /// Where it is a matrix of one expert.
    var expert: ExpertNumber?
}

/// Rows among the elements of a larger tensor.
struct RowPlace {
    /// The tensor's whole shape.
    let shape: [Int]
    /// The element that the first row begins with.
    let first: Int
    /// How many elements it is from one row to the next, and from one input to the next.
    let rowStep, inputStep: Int

    /// Rows of a matrix, or of a stack of them, from one on, counted through the whole tensor.
    static func rows(from first: Int, shape: [Int]) -> RowPlace {
        let inputs = shape[shape.count - 1]
        return RowPlace(shape: shape, first: first * inputs, rowStep: inputs, inputStep: 1)
    }

    /// Neighbouring elements of a vector, or of a stack of them, or each so-manyth.
    static func elements(from first: Int, step: Int = 1, shape: [Int]) -> RowPlace {
        RowPlace(shape: shape, first: first, rowStep: step, inputStep: 0)
    }
}

extension RowSource {
    /// Rows of all blocks.
    var rows: Int { blocks.reduce(0, +) }

    /// The shape that the tensor of a matrix must have.
    func shape(inputs: Int) -> [Int] { place?.shape ?? [rows, inputs] }

    /// Some or all of the blocks: the first row of each, its number of rows, and the weight's block
    /// that takes it.
    private func placements(
        _ range: Range<Int>? = nil
    ) -> [(row: Int, count: Int, block: Int)] {
        let range = range ?? blocks.indices
        var row = blocks[..<range.lowerBound].reduce(0, +)
        return range.map { index in
            defer { row += blocks[index] }
            return (row, blocks[index], firstBlock + index * blockStep)
        }
    }

    /// Packs the inputs in view of some or all of the blocks, as they lie if they can be.
    func pack(
        _ tensor: CheckpointTensor, _ blocks: Range<Int>?, into view: PackedWeight,
        on backend: any Backend
    ) throws(StorageError) {
        let place = place ?? .rows(from: 0, shape: [rows, view.storedInputs])
        guard place.inputStep == 1, let dtype = tensor.packableType else {
            try packExpanded(tensor, at: place, blocks, into: view, on: backend)
            return
        }
        let jobs = placements(blocks).map { row, _, block in
            let element = place.first + row * place.rowStep + view.packedInputs.lowerBound
            return PackJob(
                source: tensor.storage, byteOffset: tensor.byteOffset + element * dtype.bytes,
                rowStride: place.rowStep, dtype: dtype, block: block)
        }
        backend.pack(jobs, into: view)
    }

    /// Packs rows of a quantized matrix.
    func pack(
        _ matrix: QuantizedMatrix, _ blocks: Range<Int>?, into view: PackedWeight,
        on backend: any Backend
    ) throws(StorageError) {
        let first = place.map { $0.first / $0.rowStep } ?? 0
        try matrix.pack(
            placements(blocks).filter { $0.count > 0 }.map { ($0 + first, $1, $2) }, into: view,
            on: backend)
    }

    /// Writes rows as float32 and packs those, block by block in the same memory, so that no more
    /// than a block is held twice.
    private func packExpanded(
        _ tensor: CheckpointTensor, at place: RowPlace, _ blocks: Range<Int>?,
        into view: PackedWeight, on backend: any Backend
    ) throws(StorageError) {
        let placements = placements(blocks)
        let most = placements.map(\.count).max() ?? 0
        let inputs = view.packedInputs
        guard most * inputs.count > 0 else { return }
        let scratch = try Tensor(zeros: [most, inputs.count])
        for (row, count, block) in placements where count > 0 {
            scratch.withElements(of: Float.self) { output in
                guard let base = output.baseAddress else { return }
                place.expand(tensor, row..<row + count, inputs, into: base)
            }
            backend.pack([scratch.job(into: block)], into: view)
        }
    }

    /// Random rows, block by block, so that no more than a block is held twice.
    func fillRandom(
        _ view: PackedWeight, _ blocks: Range<Int>?, seed: UInt64, dtype: DType,
        backend: any Backend
    ) throws(StorageError) {
        let nameSeed = name.utf8.reduce(seed &+ 0x9E37_79B9_7F4A_7C15) {
            ($0 ^ UInt64($1)) &* 0x100_0000_01B3
        }
        let inputs = view.packedInputs
        for (row, count, block) in placements(blocks) where count * inputs.count > 0 {
            let rows = try Tensor(zeros: [count, inputs.count], dtype: dtype)
            // By row and input, so that numbers do not depend on where a topology cuts the matrix.
            for index in 0..<count {
                let number = (place?.first ?? 0) + row + index
                let seed = SeededNormal.seed(
                    nameSeed &+ UInt64(number) &* 0x9E37_79B9, from: inputs.lowerBound)
                backend.fillRandom(rows.rows(index..<index + 1), seed: seed, scale: 0.02)
            }
            backend.pack([rows.job(into: block)], into: view)
        }
    }

    /// Copies a vector's elements to where a matrix of that layout has its outputs.
    func copy(
        _ tensor: CheckpointTensor, to vector: Tensor, layout: PanelLayout, adding offset: Float
    ) {
        let place = place ?? .elements(from: 0, shape: [rows])
        vector.withElements(of: Float.self) { output in
            for (row, count, block) in placements() {
                let first = layout.rows(ofBlock: block).lowerBound
                for index in 0..<count {
                    let element = place.first + (row + index) * place.rowStep
                    output[first + index] = tensor.element(element) + offset
                }
            }
        }
    }
}

extension RowPlace {
    /// Writes some rows and inputs as a matrix of their own. Shape: `[rows, inputs]`.
    fileprivate func expand(
        _ tensor: CheckpointTensor, _ rows: Range<Int>, _ inputs: Range<Int>,
        into output: UnsafeMutablePointer<Float>
    ) {
        if inputStep == 1 {
            let before = first / rowStep
            tensor.expand(
                rows: before + rows.lowerBound..<before + rows.upperBound, inputs: inputs,
                width: rowStep, into: output)
            return
        }
        for row in rows {
            let target = output + (row - rows.lowerBound) * inputs.count
            for input in inputs {
                target[input - inputs.lowerBound] = tensor.element(
                    first + row * rowStep + input * inputStep)
            }
        }
    }
}

extension PackedWeight {
    /// The inputs of the rows that a backend packs into a view; see `PackJob`.
    fileprivate var packedInputs: Range<Int> {
        format.isQuantized ? 0..<storedInputs : inputRange
    }
}

extension Tensor {
    /// Packs all of it into a block.
    fileprivate func job(into block: Int) -> PackJob {
        PackJob(source: storage, byteOffset: 0, rowStride: shape[1], dtype: dtype, block: block)
    }
}
