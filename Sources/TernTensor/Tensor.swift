// A strided view of storage. Making one allocates nothing; what is computed on it is a backend's
// business.

/// Elements of one type in a storage, addressed by up to four indices with a stride each.
public struct Tensor: Sendable {
    /// The memory viewed.
    public let storage: Storage
    /// Where the element with all indices zero lies.
    public let byteOffset: Int
    /// Type of the elements.
    public let dtype: DType
    /// Sizes of the dimensions.
    public let shape: Shape
    /// Distance in elements from one index to the next, per dimension.
    public let strides: SIMD4<Int>

    /// A dense view of a storage.
    public init(_ storage: Storage, byteOffset: Int = 0, dtype: DType, shape: Shape) {
        self.init(
            storage, byteOffset: byteOffset, dtype: dtype, shape: shape,
            strides: shape.denseStrides)
    }

    /// New zeroed memory of a shape.
    public init(zeros shape: Shape, dtype: DType = .float32) throws(StorageError) {
        self.init(
            try Storage(zeroedBytes: shape.count * dtype.bytes), dtype: dtype, shape: shape)
    }

    private init(
        _ storage: Storage, byteOffset: Int, dtype: DType, shape: Shape, strides: SIMD4<Int>
    ) {
        var last = 0
        for dimension in 0..<shape.rank { last += (shape[dimension] - 1) * strides[dimension] }
        let end = byteOffset + (last + 1) * dtype.bytes
        precondition(
            shape.count == 0 || (byteOffset >= 0 && end <= storage.bytes),
            "tensor: \(shape) \(dtype) at byte \(byteOffset) of \(storage.bytes)")
        self.storage = storage
        self.byteOffset = byteOffset
        self.dtype = dtype
        self.shape = shape
        self.strides = strides
    }

    /// Whether the elements lie without gaps in the order of the indices.
    public var isDense: Bool { strides == shape.denseStrides }

    /// The same elements under another shape.
    public func reshaped(_ shape: Shape) -> Tensor {
        precondition(
            isDense && shape.count == self.shape.count, "reshape \(self.shape) to \(shape)")
        return Tensor(storage, byteOffset: byteOffset, dtype: dtype, shape: shape)
    }

    /// The same elements with all but the first dimension as one: `[n, heads, d]` is
    /// `[n, heads·d]`. Rows may lie at any distance from each other.
    public var flattened: Tensor {
        let row = shape.replacingFirst(with: 1)
        var inner = row.denseStrides
        inner[0] = strides[0]
        precondition(strides == inner, "flatten \(shape) of strides \(strides)")
        return Tensor(
            storage, byteOffset: byteOffset, dtype: dtype, shape: Shape(shape[0], row.count),
            strides: SIMD4(strides[0], 1, 1, 1))
    }

    /// A range of the columns of a matrix, seen as `[rows]` by a shape of the columns' count.
    public func columns(_ range: Range<Int>, as inner: Shape) -> Tensor {
        precondition(
            shape.rank == 2 && range.lowerBound >= 0 && range.upperBound <= shape[1]
                && inner.count == range.count && inner.rank <= 3,
            "columns \(range) of \(shape) as \(inner)")
        var strides = inner.prefixed(by: shape[0]).denseStrides
        strides[0] = self.strides[0]
        return Tensor(
            storage, byteOffset: byteOffset + range.lowerBound * dtype.bytes, dtype: dtype,
            shape: inner.prefixed(by: shape[0]), strides: strides)
    }

    /// A range of the last dimension: of heads `[n, heads, d]` some dimensions of each.
    public func last(_ range: Range<Int>) -> Tensor {
        let dimension = shape.rank - 1
        precondition(
            range.lowerBound >= 0 && range.upperBound <= shape[dimension],
            "last \(range) of a tensor of shape \(shape)")
        let offset = byteOffset + range.lowerBound * strides[dimension] * dtype.bytes
        return Tensor(
            storage, byteOffset: offset, dtype: dtype,
            shape: shape.replacingLast(with: range.count), strides: strides)
    }

    /// One row repeated: a vector `[d]` as `[count, d]`.
    public func repeated(_ count: Int) -> Tensor {
        precondition(shape.rank == 1, "repeat a tensor of shape \(shape)")
        return Tensor(
            storage, byteOffset: byteOffset, dtype: dtype, shape: Shape(count, shape[0]),
            strides: SIMD4(0, 1, 1, 1))
    }

    /// The first elements of a dense tensor under a shape of no more elements.
    public func reused(as shape: Shape) -> Tensor {
        precondition(
            isDense && shape.count <= self.shape.count, "reuse \(self.shape) as \(shape)")
        return Tensor(storage, byteOffset: byteOffset, dtype: dtype, shape: shape)
    }

    /// The first `count` indices of the first dimension.
    public func prefix(_ count: Int) -> Tensor { rows(0..<count) }

    /// A range of the first dimension.
    public func rows(_ range: Range<Int>) -> Tensor {
        precondition(
            range.lowerBound >= 0 && range.upperBound <= shape[0],
            "rows \(range) of a tensor of shape \(shape)")
        let offset = byteOffset + range.lowerBound * strides[0] * dtype.bytes
        return Tensor(
            storage, byteOffset: offset, dtype: dtype,
            shape: shape.replacingFirst(with: range.count), strides: strides)
    }

    /// A rectangle of a matrix.
    public func tile(rows: Range<Int>, columns: Range<Int>) -> Tensor {
        precondition(
            shape.rank == 2 && rows.lowerBound >= 0 && rows.upperBound <= shape[0]
                && columns.lowerBound >= 0 && columns.upperBound <= shape[1],
            "rows \(rows), columns \(columns) of a tensor of shape \(shape)")
        let first = rows.lowerBound * strides[0] + columns.lowerBound * strides[1]
        return Tensor(
            storage, byteOffset: byteOffset + first * dtype.bytes, dtype: dtype,
            shape: Shape(rows.count, columns.count), strides: strides)
    }

    /// Whether another view is of the same elements in the same order.
    public func isSameView(as other: Tensor) -> Bool {
        address == other.address && shape == other.shape && strides == other.strides
    }

    /// One index of the third of four dimensions: `[a, b, c, d]` at `c = index` is `[a, b, d]`.
    ///
    /// So are the keys and the values seen in the fused projection `[tokens, heads, 2, dimension]`.
    public func third(_ index: Int) -> Tensor {
        precondition(shape.rank == 4 && index < shape[2], "third index \(index) of \(shape)")
        return Tensor(
            storage, byteOffset: byteOffset + index * strides[2] * dtype.bytes, dtype: dtype,
            shape: Shape(shape[0], shape[1], shape[3]),
            strides: SIMD4(strides[0], strides[1], strides[3], 1))
    }

    /// Address of the first element, for kernels and readers that keep within shape and strides.
    public var address: UnsafeMutableRawPointer { storage.base + byteOffset }

    /// The elements of a dense tensor in place.
    ///
    /// The element type must be the one the tensor was made with.
    public func withElements<Element: BitwiseCopyable, Result>(
        of type: Element.Type, _ body: (UnsafeMutableBufferPointer<Element>) throws -> Result
    ) rethrows -> Result {
        precondition(isDense, "elements in place of a strided tensor \(shape)")
        precondition(
            MemoryLayout<Element>.size == dtype.bytes, "\(type) read from a tensor of \(dtype)")
        let start = address.assumingMemoryBound(to: type)
        return try body(UnsafeMutableBufferPointer(start: start, count: shape.count))
    }
}
