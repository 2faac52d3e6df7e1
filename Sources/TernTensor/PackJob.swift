// What a backend is told to pack: where rows of a weight lie, in a checkpoint's file or in memory.

/// Rows of a row-major matrix to be packed into one block of a weight, or into its inputs in view.
///
/// Rows for a weight of real numbers begin with its first input in view. Those for a quantized one
/// are whole, whatever is in view: a scale is made of all that share it.
public struct PackJob: Sendable {
    /// What rows hold.
    public enum Elements: Sendable {
        /// Real numbers, which are rounded, or quantized, to the weight's format.
        case real(DType)
        /// Whole numbers from -127 to 127, a byte each, for int8. Shape of scales: `[rows, 1]`,
        /// float32.
        case whole(scales: Tensor)

        /// Size of one of them.
        public var bytes: Int {
            switch self {
            case .real(let dtype): dtype.bytes
            case .whole: 1
            }
        }
    }

    /// The memory the rows lie in.
    public let source: Storage
    /// Where the first row begins.
    public let byteOffset: Int
    /// Elements from one row to the next.
    public let rowStride: Int
    /// What they are.
    public let elements: Elements
    /// The block that takes the rows; it has as many.
    public let block: Int

    /// Rows of a block from a byte on.
    public init(source: Storage, byteOffset: Int, rowStride: Int, elements: Elements, block: Int) {
        self.source = source
        self.byteOffset = byteOffset
        self.rowStride = rowStride
        self.elements = elements
        self.block = block
    }

    /// Rows of real numbers.
    public init(source: Storage, byteOffset: Int, rowStride: Int, dtype: DType, block: Int) {
        self.init(
            source: source, byteOffset: byteOffset, rowStride: rowStride, elements: .real(dtype),
            block: block)
    }
}
