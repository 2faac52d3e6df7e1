// How an all-reduce in two shots divides its work: evenly by elements where the operands are dense,
// so that one long row splits too, else by rows. It decides no order of sums.

import TernTensor

/// The shares of a matrix, one per member of a group.
struct Shares {
    private let count: Int
    private let members: Int
    private let columns: Int
    private let isFlat: Bool

    /// Divides a matrix among members.
    init(of tensor: Tensor, among members: Int, isFlat: Bool) {
        count = isFlat ? tensor.shape.count : tensor.shape[0]
        columns = isFlat ? 1 : tensor.shape[1]
        self.members = members
        self.isFlat = isFlat
    }

    /// Whether a matrix can be cut between any two elements.
    static func isFlat(_ tensor: Tensor) -> Bool { tensor.shape[0] == 1 || tensor.isDense }

    /// The share of one member in a matrix of the same shape.
    subscript(tensor: Tensor, index: Int) -> Tensor {
        guard isFlat else { return tensor.rows(range(index)) }
        let row = tensor.shape[0] == 1 ? tensor : tensor.reshaped(Shape(1, count))
        return row.tile(rows: 0..<1, columns: range(index))
    }

    /// The number of elements in one member's share.
    func count(_ index: Int) -> Int { range(index).count * columns }

    /// As `TokenPartition` cuts, without its array.
    private func range(_ index: Int) -> Range<Int> {
        let (least, extra) = count.quotientAndRemainder(dividingBy: members)
        let start = index * least + min(index, extra)
        return start..<start + least + (index < extra ? 1 : 0)
    }
}
