// What every backend demands of the operands of the ops that move matrices between ranks.

extension OpChecks {
    /// See `Backend.copy`.
    public static func copy(_ input: Tensor, into output: Tensor) {
        precondition(
            input.shape.rank == 2 && input.shape == output.shape && input.dtype == output.dtype
                && input.dtype.bytes == 4,
            "copy: \(input.dtype) \(input.shape) into \(output.dtype) \(output.shape)")
        precondition(
            input.hasAdjacentColumns && output.hasAdjacentColumns,
            "copy: strides \(input.strides) into \(output.strides), the last must be 1")
    }

    /// See `Backend.treeSum`.
    public static func treeSum(_ inputs: [Tensor], into output: Tensor) {
        precondition(
            (1...16).contains(inputs.count), "treeSum: \(inputs.count) inputs, expected 1 to 16")
        precondition(
            output.shape.rank == 2 && output.dtype == .float32 && output.hasAdjacentColumns,
            "treeSum: into \(output.dtype) \(output.shape) of strides \(output.strides)")
        // By index: an array's iterator allocates where nothing is optimized.
        for index in 0..<inputs.count {
            let input = inputs[index]
            precondition(
                input.shape == output.shape && input.dtype == .float32,
                "treeSum: found \(input.dtype) \(input.shape), expected float32 \(output.shape)")
            precondition(
                input.hasAdjacentColumns, "treeSum: strides \(input.strides), the last must be 1")
        }
    }
}

extension Tensor {
    /// Whether the columns of a matrix lie side by side.
    fileprivate var hasAdjacentColumns: Bool { shape.count == 0 || strides[1] == 1 }
}
