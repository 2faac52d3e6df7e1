// In which order the parts of a sum are added. Floating-point addition is not associative; one
// order for every topology is what makes one rank and eight give the same bits. It says which
// parts meet, and adds nothing itself except for tests and plain loops.
//
// Source: the idea is that of tree-based invariant kernels, arXiv 2511.17826.

/// The fixed binary tree that adds the parts of a `Partition`.
///
/// Neighbours are added first, then neighbouring pairs, and so on, each into its left one:
/// `((0 + 1) + (2 + 3)) + ((4 + 5) + (6 + 7))`. The shard of a rank, if its parts are a power of
/// two, is a subtree; an all-reduce among ranks is the tree over as many parts as there are ranks.
public struct SummationTree: Sendable, Equatable {
    /// One addition: the sum at `source` is added to the sum at `target`, left of it.
    public struct Addition: Sendable, Equatable {
        /// The part that the sum is stored in.
        public let target: Int
        /// The part whose sum is added.
        public let source: Int
    }

    /// The number of leaves.
    public let parts: Int

    /// All additions, from the leaves up; those of one level are independent of each other.
    public let additions: [Addition]

    /// Makes the tree over a number of parts.
    public init(parts: Int = Partition.parts) {
        precondition(parts > 0, "a sum of \(parts) parts")
        self.parts = parts
        var additions: [Addition] = []
        var stride = 1
        while stride < parts {
            for target in Swift.stride(from: 0, to: parts - stride, by: 2 * stride) {
                additions.append(Addition(target: target, source: target + stride))
            }
            stride *= 2
        }
        self.additions = additions
    }

    /// The additions that one rank makes among its own parts, which must be a subtree; their sum
    /// ends in its first part. The ranks' sums are then added by `SummationTree(parts: size)`.
    public func additions(of index: Int, among size: Int) -> [Addition] {
        let width = parts / max(size, 1)
        precondition(
            size > 0 && width * size == parts && (size == 1 || width.nonzeroBitCount == 1),
            "\(parts) parts among \(size) ranks are no subtrees")
        let own = index * width..<(index + 1) * width
        return additions.filter { own.contains($0.target) && own.contains($0.source) }
    }

    /// Adds the parts in the tree's order.
    public func sum<Value>(_ values: [Value], by add: (Value, Value) -> Value) -> Value {
        precondition(values.count == parts, "\(values.count) values for \(parts) parts")
        var sums = values
        for addition in additions {
            sums[addition.target] = add(sums[addition.target], sums[addition.source])
        }
        return sums[0]
    }
}
