// The reference's weights: packing, looking rows up, and the product whose order of sums every
// backend keeps (see PackedWeight.inputParts).

extension ReferenceBackend {
    /// Packs element by element.
    public func pack(_ jobs: [PackJob], into weight: PackedWeight) {
        OpChecks.pack(jobs, into: weight)
        for job in jobs {
            guard case .plain(let dtype) = weight.format, case .real(let source) = job.elements
            else {
                packQuantized(job, into: weight)
                continue
            }
            let rows = weight.layout.rows(ofBlock: job.block)
            for row in rows {
                let panel = weight.panel(ofRow: row)
                let lane = row - Int(weight.layout.panelStarts[panel])
                for input in weight.inputRange {
                    let index =
                        (row - rows.lowerBound) * job.rowStride + input
                        - weight.inputRange.lowerBound
                    let value = source.load(job.source.base + job.byteOffset, index)
                    let offset = PackedWeight.elementOffset(
                        lane: lane, input: input, dtype: dtype)
                    dtype.store(value, to: weight.address(ofPanel: panel), offset)
                }
            }
        }
    }

    /// Reads rows element by element.
    public func embed(
        _ tokens: Tensor, table: PackedWeight, scale: Float, into output: Tensor
    ) {
        OpChecks.embed(tokens, table: table, into: output)
        for row in 0..<output.shape[0] {
            let target = output.floats(row)
            for input in 0..<table.inputs {
                target[input] = table.element(row: tokens.integer(row), input: input) * scale
            }
        }
    }

    /// One sum after another, in the order of `PackedWeight.inputParts`.
    public func linear(
        _ input: Tensor, _ weight: PackedWeight, bias: Tensor?, into output: Tensor
    ) {
        OpChecks.linear(input, weight, bias: bias, into: output)
        let first = weight.inputRange.lowerBound
        let parts = zip(weight.inputParts, weight.inputParts.dropFirst()).map {
            ($0 - first)..<($1 - first)
        }
        for column in 0..<weight.outputs {
            let weights = (0..<weight.inputs).map { weight.element(row: column, input: $0) }
            for row in 0..<input.shape[0] {
                let source = input.floats(row)
                let sums = parts.map { part in
                    if weight.format.isQuantized {
                        return quantizedSum(source, weight, column: column, part: part)
                    }
                    if precision.roundsInputs(of: weight.format) {
                        return switch sumOrder {
                        case .pairs: pairedSum(source, weights, part: part)
                        case .tiles: steppedSum(source, weights, part: part)
                        }
                    }
                    var sum: Float = 0
                    for index in part { sum.addProduct(source[index], weights[index]) }
                    return sum
                }
                let sum = Self.treeSum(sums[...])
                output.floats(row)[column] = bias.map { sum + $0.floats(0)[column] } ?? sum
            }
        }
    }

    /// The sum of one part of rounded inputs, the second of each pair first.
    private func pairedSum(
        _ input: UnsafePointer<Float>, _ weights: [Float], part: Range<Int>
    ) -> Float {
        var sum: Float = 0
        for first in stride(from: part.lowerBound, to: part.upperBound, by: 2) {
            for index in [first + 1, first] where index < part.upperBound {
                sum.addProduct(BFloat16(input[index]).float, weights[index])
            }
        }
        return sum
    }

    /// The sum of one part of rounded inputs, step by step: see `SumOrder.tiles`.
    private func steppedSum(
        _ input: UnsafePointer<Float>, _ weights: [Float], part: Range<Int>
    ) -> Float {
        var sum: Float = 0
        for first in stride(from: part.lowerBound, to: part.upperBound, by: SumOrder.stepInputs) {
            let chains = (0...1).map { half in
                var chain: Float = 0
                for index in stride(from: first + half, to: first + SumOrder.stepInputs, by: 2) {
                    // What is beyond the part is zero.
                    let isPresent = index < part.upperBound
                    chain.addProduct(
                        isPresent ? BFloat16(input[index]).float.flushed : 0,
                        isPresent ? weights[index].flushed : 0)
                    chain = chain.flushed
                }
                return chain
            }
            sum = (sum + (chains[0] + chains[1]).flushed).flushed
        }
        return sum
    }

    /// Adds neighbours, then neighbouring sums, and so on: `((p0 + p1) + (p2 + p3)) + ...`.
    ///
    /// Where the count is no power of two, the tree is that of the next one; what is absent adds
    /// nothing, not even a zero.
    public static func treeSum(_ parts: ArraySlice<Float>) -> Float {
        precondition(!parts.isEmpty, "tree sum of no parts")
        if parts.count == 1 { return parts[parts.startIndex] }
        var half = 1
        while half * 2 < parts.count { half *= 2 }
        return treeSum(parts.prefix(half)) + treeSum(parts.dropFirst(half))
    }
}

extension Float {
    /// Itself; where it is below the least normal number, a zero of its sign.
    fileprivate var flushed: Float { isSubnormal ? (sign == .minus ? -0.0 : 0) : self }
}
