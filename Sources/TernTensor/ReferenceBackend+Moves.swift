// The reference's copies and sums of matrices, which ranks' exchanges are made of.

extension ReferenceBackend {
    /// Copies element by element.
    public func copy(_ input: Tensor, into output: Tensor) {
        OpChecks.copy(input, into: output)
        for row in 0..<input.shape[0] {
            let source = input.row(row).assumingMemoryBound(to: UInt32.self)
            let target = output.row(row).assumingMemoryBound(to: UInt32.self)
            for column in 0..<input.shape[1] { target[column] = source[column] }
        }
    }

    /// Adds element by element, by the tree.
    public func treeSum(_ inputs: [Tensor], into output: Tensor) {
        OpChecks.treeSum(inputs, into: output)
        for row in 0..<output.shape[0] {
            let target = output.floats(row)
            for column in 0..<output.shape[1] {
                target[column] = Self.treeSum(inputs.map { $0.floats(row)[column] }[...])
            }
        }
    }
}
