// Layers declare the weights they hold; then all are filled at once. Declaring reserves addresses
// but touches no memory, and checks every name and shape, so that the memory sum is known and a
// bad checkpoint is refused before anything is loaded.

import TernTensor

/// Where weights come from.
public enum WeightSource: Sendable {
    /// The files of a model folder.
    case checkpoint(Checkpoint)
    /// Seeded random numbers: the same for every split of the same model.
    case dummy(seed: UInt64)

    /// The type of most weights; dummy ones are bfloat16.
    public var commonType: DType {
        switch self {
        case .checkpoint(let checkpoint): checkpoint.commonType
        case .dummy: .bfloat16
        }
    }
}

/// Rows of a checkpoint's matrix that go into consecutive blocks of a packed weight.
struct RowSource {
    /// The tensor's name in the checkpoint; its shape is `[rows, inputs]` if it is no stack.
    let name: String
    /// Rows of each of its blocks, in order; together all rows of the tensor, or of its place in
    /// the stack.
    let blocks: [Int]
    /// The block of the weight that takes the first one.
    var firstBlock = 0
    /// How far it is from one to the next: 2 where two sources take turns.
    var blockStep = 1
    /// Where the tensor holds other rows too.
    var stack: RowStack?
    /// Where it is a matrix of one expert.
    var expert: ExpertNumber?
}

/// A place in a tensor that stacks matrices of equal width.
struct RowStack {
    /// The tensor's shape, but for the inputs.
    let outerShape: [Int]
    /// The row to begin with, counted through the whole tensor.
    let firstRow: Int
}

/// Collects the weights of a model, and what fills them.
///
/// Thread: one; the fills may then be shared by several, see `WeightFill`.
public final class WeightLoader {
    private let source: WeightSource
    private let dtype: DType
    /// What fills all that was declared, in any order and by any thread: each is independent.
    public private(set) var fills: [WeightFill] = []
    /// Fills so far that ranks do by turns.
    private var turns = 0
    /// Memory of all weights declared so far.
    public private(set) var bytes = 0
    /// Number of parameters declared so far.
    public private(set) var parameters = 0

    /// A loader that rounds matrices to a type.
    public init(source: WeightSource, dtype: DType) {
        self.source = source
        self.dtype = dtype
    }

    /// Declares a matrix of one or several sources.
    ///
    /// `cut` is how ranks split each source; one of outputs counts the source's blocks.
    func matrix(
        layout: PanelLayout, inputParts: [Int], sources: [RowSource], cut: WeightShard.Cut?
    ) throws -> PackedWeight {
        let weight = try PackedWeight(layout: layout, inputParts: inputParts, dtype: dtype)
        for rows in sources { try declare(rows, into: weight, cut) }
        bytes += weight.storage.bytes
        parameters += layout.rows * weight.inputs
        return weight
    }

    /// Declares a vector in float32, of the sources' blocks laid out as a matrix's outputs are.
    func vector(layout: PanelLayout, sources: [RowSource]) throws -> Tensor {
        let vector = try Tensor(zeros: [layout.rows])
        for rows in sources {
            let count = rows.blocks.reduce(0, +)
            switch source {
            case .checkpoint(let checkpoint):
                let tensor = try checkpoint.tensor(rows.name, shape: [count])
                append { _, _ in rows.copy(tensor, to: vector, layout: layout) }
            case .dummy:
                if !rows.name.hasSuffix("bias") { append { _, _ in rows.fillOnes(vector) } }
            }
        }
        bytes += vector.storage.bytes
        parameters += layout.rows
        return vector
    }

    /// Declares a vector that stands in the checkpoint as it is used.
    func vector(_ name: String, count: Int) throws -> Tensor {
        try vector(
            layout: PanelLayout(blocks: [count]), sources: [RowSource(name: name, blocks: [count])])
    }

    /// Whether the checkpoint holds a tensor under a name.
    func holds(_ name: String) -> Bool {
        switch source {
        case .checkpoint(let checkpoint): checkpoint.holds(name)
        case .dummy: false
        }
    }

    /// Whether the checkpoint holds a tensor of its own under a name, not a copy of another one.
    func holds(_ name: String, apartFrom other: String) -> Bool {
        switch source {
        case .checkpoint(let checkpoint): checkpoint.holds(name, apartFrom: other)
        case .dummy: false
        }
    }

    private func declare(
        _ rows: RowSource, into weight: PackedWeight, _ cut: WeightShard.Cut?
    ) throws {
        switch source {
        case .checkpoint(let checkpoint):
            let shape = (rows.stack?.outerShape ?? [rows.blocks.reduce(0, +)]) + [weight.inputs]
            let tensor = try checkpoint.tensor(rows.name, shape: shape)
            append(rows.expert, cut) { share, backend in
                let view = share.inputParts.map(weight.inputs(parts:)) ?? weight
                backend.pack(rows.jobs(tensor, share.blocks, into: view), into: view)
            }
        case .dummy(let seed):
            let dtype = dtype
            append(rows.expert, cut) { share, backend in
                let view = share.inputParts.map(weight.inputs(parts:)) ?? weight
                rows.fillRandom(view, share.blocks, seed: seed, dtype: dtype, backend: backend)
            }
        }
    }

    private func append(
        _ expert: ExpertNumber? = nil, _ cut: WeightShard.Cut? = nil,
        fill: @escaping @Sendable (WeightFill.Share, any Backend) -> Void
    ) {
        guard let cut else {
            fills.append(WeightFill(.everyone(turn: turns), fill))
            turns += 1
            return
        }
        fills.append(WeightFill(expert.map { .expert($0, cut) } ?? .stage(cut), fill))
    }
}

extension RowSource {
    /// Some or all of the blocks: the first row of each, its number of rows, and the weight's block
    /// that takes it.
    private func placements(
        _ range: Range<Int>? = nil
    ) -> [(row: Int, count: Int, block: Int)] {
        let range = range ?? blocks.indices
        var row = (stack?.firstRow ?? 0) + blocks[..<range.lowerBound].reduce(0, +)
        return range.map { index in
            defer { row += blocks[index] }
            return (row, blocks[index], firstBlock + index * blockStep)
        }
    }

    /// Packs the inputs in view.
    fileprivate func jobs(
        _ tensor: CheckpointTensor, _ blocks: Range<Int>?, into view: PackedWeight
    ) -> [PackJob] {
        placements(blocks).map { row, _, block in
            let element = row * view.storedInputs + view.inputRange.lowerBound
            return PackJob(
                source: tensor.storage,
                byteOffset: tensor.byteOffset + element * tensor.dtype.bytes,
                rowStride: view.storedInputs, dtype: tensor.dtype, block: block)
        }
    }

    /// Random rows, block by block, so that no more than a block is held twice.
    fileprivate func fillRandom(
        _ view: PackedWeight, _ blocks: Range<Int>?, seed: UInt64, dtype: DType,
        backend: any Backend
    ) {
        let nameSeed = name.utf8.reduce(seed &+ 0x9E37_79B9_7F4A_7C15) {
            ($0 ^ UInt64($1)) &* 0x100_0000_01B3
        }
        for (row, count, block) in placements(blocks) where count * view.inputs > 0 {
            guard let rows = try? Tensor(zeros: [count, view.inputs], dtype: dtype) else {
                preconditionFailure("dummy weights: no memory for \(count) rows of \(name)")
            }
            // By row and input, so that numbers do not depend on where a topology cuts the matrix.
            for index in 0..<count {
                let seed = SeededNormal.seed(
                    nameSeed &+ UInt64(row + index) &* 0x9E37_79B9,
                    from: view.inputRange.lowerBound)
                backend.fillRandom(rows.rows(index..<index + 1), seed: seed, scale: 0.02)
            }
            let job = PackJob(
                source: rows.storage, byteOffset: 0, rowStride: view.inputs, dtype: dtype,
                block: block)
            backend.pack([job], into: view)
        }
    }

    fileprivate func copy(_ tensor: CheckpointTensor, to vector: Tensor, layout: PanelLayout) {
        vector.withElements(of: Float.self) { output in
            for (row, count, block) in placements() {
                let first = Int(layout.panelStarts[layout.blockPanels[block]])
                for index in 0..<count {
                    output[first + index] = tensor.element(row + index)
                }
            }
        }
    }

    fileprivate func fillOnes(_ vector: Tensor) {
        vector.withElements(of: Float.self) { $0.update(repeating: 1) }
    }
}

extension CheckpointTensor {
    /// One element as float32, by its index in the order of the file.
    func element(_ index: Int) -> Float { dtype.load(storage.base + byteOffset, index) }
}
