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

/// Collects the weights of a model, and what fills them.
///
/// Thread: one; the fills may then be shared by several, see `WeightFill`.
public final class WeightLoader {
    let source: WeightSource
    /// Type of matrices that are not quantized.
    let dtype: DType
    /// Which are.
    let quantization: WeightQuantization
    /// What fills all that was declared, in any order and by any thread: each is independent.
    public private(set) var fills: [WeightFill] = []
    /// Fills so far that ranks do by turns.
    private var turns = 0
    /// Memory of all weights declared so far.
    public private(set) var bytes = 0
    /// Number of parameters declared so far.
    public private(set) var parameters = 0

    /// A loader that rounds matrices to a type, or quantizes them.
    public init(
        source: WeightSource, dtype: DType, quantization: WeightQuantization = WeightQuantization()
    ) {
        self.source = source
        self.dtype = dtype
        self.quantization = quantization
    }

    /// Declares a matrix of one or several sources, which may be quantized where its role allows.
    ///
    /// `cut` is how ranks split each source; one of outputs counts the source's blocks.
    func matrix(
        layout: PanelLayout, inputParts: [Int], sources: [RowSource], cut: WeightShard.Cut?,
        role: WeightRole = .kept
    ) throws -> PackedWeight {
        let weight = try PackedWeight(
            layout: layout, inputParts: inputParts,
            format: try format(role, sources, inputParts: inputParts))
        for rows in sources { try declare(rows, into: weight, cut) }
        bytes += weight.storage.bytes
        parameters += layout.rows * weight.inputs
        return weight
    }

    /// Declares a vector in float32, of the sources' blocks laid out as a matrix's outputs are, with
    /// something added to each element.
    func vector(
        layout: PanelLayout, sources: [RowSource], adding offset: Float = 0
    ) throws -> Tensor {
        let vector = try Tensor(zeros: [layout.rows])
        for rows in sources {
            switch source {
            case .checkpoint(let checkpoint):
                let tensor = try checkpoint.tensor(
                    rows.name, shape: rows.place?.shape ?? [rows.rows])
                append { _, _ in
                    rows.copy(tensor, to: vector, layout: layout, adding: offset)
                    tensor.letGo()
                }
            case .dummy:
                if rows.name.hasSuffix("norm.weight") {
                    append { _, _ in
                        vector.withElements(of: Float.self) { $0.update(repeating: 1) }
                    }
                }
            }
        }
        bytes += vector.storage.bytes
        parameters += layout.rows
        return vector
    }

    /// Declares a vector that stands in the checkpoint as it is used.
    func vector(_ name: String, count: Int, adding offset: Float = 0) throws -> Tensor {
        try vector(
            layout: PanelLayout(blocks: [count]),
            sources: [RowSource(name: name, blocks: [count])], adding: offset)
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
        let pack: @Sendable (PackedWeight, Range<Int>?, any Backend) throws(StorageError) -> Void
        switch source {
        case .checkpoint(let checkpoint):
            if let matrix = try quantizedMatrix(rows, inputs: weight.inputs, in: checkpoint) {
                pack = { view, blocks, backend throws(StorageError) in
                    try rows.pack(matrix, blocks, into: view, on: backend)
                    matrix.letGo()
                }
            } else {
                let shape = rows.shape(inputs: weight.inputs)
                let tensor = try checkpoint.tensor(rows.name, shape: shape)
                pack = { view, blocks, backend throws(StorageError) in
                    try rows.pack(tensor, blocks, into: view, on: backend)
                    tensor.letGo()
                }
            }
        case .dummy(let seed):
            let dtype = dtype
            pack = { view, blocks, backend throws(StorageError) in
                try rows.fillRandom(
                    view, blocks, seed: seed, dtype: dtype, backend: backend)
            }
        }
        append(rows.expert, cut) { share, backend throws(StorageError) in
            try pack(share.inputParts.map(weight.inputs(parts:)) ?? weight, share.blocks, backend)
        }
    }

    private func append(
        _ expert: ExpertNumber? = nil, _ cut: WeightShard.Cut? = nil,
        fill: @escaping WeightFill.Body
    ) {
        guard let cut else {
            fills.append(WeightFill(.everyone(turn: turns), fill))
            turns += 1
            return
        }
        fills.append(WeightFill(expert.map { .expert($0, cut) } ?? .stage(cut), fill))
    }
}
