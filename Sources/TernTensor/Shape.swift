// Sizes of up to four dimensions, held in place, so that making a view allocates nothing.

/// The sizes of a tensor's dimensions, outermost first; one to four of them.
public struct Shape: Sendable, Equatable, ExpressibleByArrayLiteral, CustomStringConvertible {
    /// Number of dimensions.
    public let rank: Int
    private var sizes: SIMD4<Int>

    /// A shape of one to four dimensions.
    public init(arrayLiteral elements: Int...) { self.init(elements) }

    /// A shape of one to four dimensions.
    public init(_ elements: some Collection<Int>) {
        precondition((1...4).contains(elements.count), "shape: \(elements.count) dimensions")
        precondition(elements.allSatisfy { $0 >= 0 }, "shape: negative size in \(elements)")
        rank = elements.count
        sizes = SIMD4(repeating: 1)
        for (index, size) in elements.enumerated() { sizes[index] = size }
    }

    /// A shape of one dimension, made without the heap; so are the next three.
    public init(_ first: Int) { self.init(rank: 1, SIMD4(first, 1, 1, 1)) }

    /// A shape of two dimensions.
    public init(_ first: Int, _ second: Int) { self.init(rank: 2, SIMD4(first, second, 1, 1)) }

    /// A shape of three dimensions.
    public init(_ first: Int, _ second: Int, _ third: Int) {
        self.init(rank: 3, SIMD4(first, second, third, 1))
    }

    /// A shape of four dimensions.
    public init(_ first: Int, _ second: Int, _ third: Int, _ fourth: Int) {
        self.init(rank: 4, SIMD4(first, second, third, fourth))
    }

    private init(rank: Int, _ sizes: SIMD4<Int>) {
        precondition(
            sizes[0] >= 0 && sizes[1] >= 0 && sizes[2] >= 0 && sizes[3] >= 0,
            "shape: negative size in \(sizes)")
        self.rank = rank
        self.sizes = sizes
    }

    /// The size of one dimension.
    public subscript(dimension: Int) -> Int {
        precondition(dimension < rank, "shape \(self): no dimension \(dimension)")
        return sizes[dimension]
    }

    /// Number of elements.
    public var count: Int { sizes[0] * sizes[1] * sizes[2] * sizes[3] }

    /// Distance in elements from one index to the next, per dimension, when densely packed.
    var denseStrides: SIMD4<Int> {
        var strides = SIMD4<Int>(repeating: 1)
        for dimension in stride(from: rank - 2, through: 0, by: -1) {
            strides[dimension] = strides[dimension + 1] * sizes[dimension + 1]
        }
        return strides
    }

    /// The same shape with another first dimension.
    func replacingFirst(with size: Int) -> Shape {
        var shape = self
        shape.sizes[0] = size
        return shape
    }

    /// The same shape with another last dimension.
    func replacingLast(with size: Int) -> Shape {
        var shape = self
        shape.sizes[rank - 1] = size
        return shape
    }

    /// One more dimension, the outermost.
    func prefixed(by size: Int) -> Shape {
        precondition(rank < 4, "shape \(self): no room for another dimension")
        return Shape(rank: rank + 1, SIMD4(size, sizes[0], sizes[1], sizes[2]))
    }

    /// As in `[2, 96]`.
    public var description: String {
        "[" + (0..<rank).map { String(sizes[$0]) }.joined(separator: ", ") + "]"
    }
}
