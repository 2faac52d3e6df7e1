// Copies and sums of matrices, which ranks' exchanges are made of. Small ones are done by the
// caller alone.

import CTernKernels
import TernTensor

extension CPUBackend {
    /// Copies rows; workers share them, and the columns of long ones.
    public func copy(_ input: Tensor, into output: Tensor) {
        OpChecks.copy(input, into: output)
        // What is dense on both sides is one long row.
        let isOneRow = input.isDense && output.isDense
        var arguments = tern_copy_args(
            input: input.address, output: output.address,
            rows: isOneRow ? 1 : Int64(input.shape[0]),
            width: Int64(isOneRow ? input.shape.count : input.shape[1]),
            input_row: input.stride(0), output_row: output.stride(0))
        pool.run(table.copy, &arguments, alone: input.shape.count < Self.elementsAlone)
    }

    /// Adds by the tree, sixteen lanes at a time; workers share rows, and the columns of long ones.
    public func treeSum(_ inputs: [Tensor], into output: Tensor) {
        OpChecks.treeSum(inputs, into: output)
        withUnsafeTemporaryAllocation(of: tern_term.self, capacity: inputs.count) { terms in
            var isOneRow = output.isDense
            for index in 0..<inputs.count {
                terms[index] = tern_term(
                    elements: inputs[index].floats, row: inputs[index].stride(0))
                isOneRow = isOneRow && inputs[index].isDense
            }
            guard let start = terms.baseAddress else { return }
            var arguments = tern_tree_sum_args(
                terms: start, term_count: Int64(inputs.count), output: output.floats,
                rows: isOneRow ? 1 : Int64(output.shape[0]),
                width: Int64(isOneRow ? output.shape.count : output.shape[1]),
                output_row: output.stride(0))
            let elements = inputs.count * output.shape.count
            pool.run(table.tree_sum, &arguments, alone: elements < Self.elementsAlone)
        }
    }
}
