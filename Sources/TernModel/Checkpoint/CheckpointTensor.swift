// A tensor of a checkpoint as it lies in its file, and its elements as float32 where they cannot be
// packed as they lie. It knows no file format: Safetensors and GGUF say where a tensor begins.

import TernTensor

/// How the elements of a checkpoint's tensor are written.
public enum ElementEncoding: Sendable, Equatable {
    /// One after the other.
    case plain(DType)
    /// In blocks that share their scales.
    case blocks(BlockFormat)
    /// Whole numbers of so many bytes, which mean nothing without scales that lie elsewhere.
    case whole(bytes: Int)

    /// Elements that are written together.
    var blockElements: Int {
        switch self {
        case .plain, .whole: 1
        case .blocks(let format): format.elements
        }
    }

    /// Bytes of so many.
    var blockBytes: Int {
        switch self {
        case .plain(let type): type.bytes
        case .blocks(let format): format.bytes
        case .whole(let bytes): bytes
        }
    }
}

/// In which order the rows of a tensor lie in its file.
enum RowOrder: Sendable, Equatable {
    /// As the model counts them.
    case model
    /// Row i and row i + d/2 of each head of dimension d lie side by side: how GGUF files have the
    /// queries and keys of a Llama, for rotations of neighbours.
    case pairs(headDimension: Int)

    /// Where in the file a row of the model lies.
    func place(of row: Int) -> Int {
        switch self {
        case .model: return row
        case .pairs(let dimension):
            let (head, index) = row.quotientAndRemainder(dividingBy: dimension)
            let half = dimension / 2
            return head * dimension + index % half * 2 + index / half
        }
    }
}

/// A tensor of a checkpoint: where its bytes lie.
public struct CheckpointTensor: Sendable {
    /// The mapped file.
    public let storage: Storage
    /// Its first byte in the file.
    public let byteOffset: Int
    /// How its elements are written.
    public let encoding: ElementEncoding
    /// Its sizes, as the model counts them.
    public let shape: [Int]
    /// The file's name, for messages.
    public let file: String
    /// Where its rows lie.
    var rowOrder = RowOrder.model

    init(
        storage: Storage, byteOffset: Int, encoding: ElementEncoding, shape: [Int], file: String
    ) {
        self.storage = storage
        self.byteOffset = byteOffset
        self.encoding = encoding
        self.shape = shape
        self.file = file
    }

    /// Memory of its elements.
    var bytes: Int { shape.reduce(1, *) / encoding.blockElements * encoding.blockBytes }

    /// Lets its pages go once it is packed, so that a start never holds a model twice. Who still
    /// reads it, another rank or the next source of the same tensor, maps again what it needs.
    func letGo() { storage.letGo(of: byteOffset..<byteOffset + bytes) }

    /// The type of its elements where they can be packed as they lie; nil where they must be
    /// expanded first.
    var packableType: DType? {
        guard case .plain(let type) = encoding, rowOrder == .model else { return nil }
        return type
    }

    /// The type that holds its elements with the fewest bytes to spare: bfloat16 for blocks.
    var residentType: DType {
        switch encoding {
        case .plain(let type): type
        case .blocks, .whole: .bfloat16
        }
    }

    /// Writes some inputs of rows as float32. Shape: `[rows, inputs]` of a matrix `[…, width]`.
    func expand(
        rows: Range<Int>, inputs: Range<Int>, width: Int,
        into output: UnsafeMutablePointer<Float>
    ) {
        for row in rows {
            let first = rowOrder.place(of: row) * width
            expand(
                first + inputs.lowerBound..<first + inputs.upperBound,
                into: output + (row - rows.lowerBound) * inputs.count)
        }
    }

    /// One element of a vector as float32.
    func element(_ index: Int) -> Float {
        var value: Float = 0
        let place = rowOrder.place(of: index)
        expand(place..<place + 1, into: &value)
        return value
    }

    /// Writes elements, counted as the file has them, as float32.
    private func expand(_ elements: Range<Int>, into output: UnsafeMutablePointer<Float>) {
        let source = UnsafeRawPointer(storage.base + byteOffset)
        switch encoding {
        case .plain(let type):
            for element in elements {
                output[element - elements.lowerBound] = type.load(source, element)
            }
        case .blocks(let format):
            var element = elements.lowerBound
            while element < elements.upperBound {
                let (block, skipped) = element.quotientAndRemainder(dividingBy: format.elements)
                let count = min(format.elements - skipped, elements.upperBound - element)
                let target = output + (element - elements.lowerBound)
                let place = source + block * format.bytes
                if count == format.elements {
                    format.decode(place, into: target)
                } else {
                    withUnsafeTemporaryAllocation(
                        of: Float.self, capacity: BlockFormat.mostElements
                    ) { whole in
                        guard let base = whole.baseAddress else { return }
                        format.decode(place, into: base)
                        target.update(from: base + skipped, count: count)
                    }
                }
                element += count
            }
        case .whole: preconditionFailure("real numbers read from whole ones without a scale")
        }
    }
}
