// The reference's quantized weights: how real numbers become whole ones, and the order in which their
// products are summed, which every backend keeps.

extension ReferenceBackend {
    /// Packs element by element; see `quantization(of:in:)`.
    func packQuantized(_ job: PackJob, into weight: PackedWeight) {
        let rows = weight.layout.rows(ofBlock: job.block)
        let groups = weight.segments(ofPart: 0..<weight.storedInputs)
        for row in rows {
            let panel = weight.panel(ofRow: row)
            let lane = row - Int(weight.layout.panelStarts[panel])
            let index = row - rows.lowerBound
            for (group, inputs) in groups.enumerated() where inputs.overlaps(weight.inputRange) {
                let (quantization, values) = quantize(
                    job, row: index, group: group, inputs, in: weight.format)
                if weight.inputRange.contains(inputs.lowerBound) {
                    weight.store(quantization, panel: panel, lane: lane, input: inputs.lowerBound)
                }
                for input in inputs.clamped(to: weight.inputRange) {
                    weight.store(
                        values[input - inputs.lowerBound], panel: panel, lane: lane, input: input)
                }
            }
        }
    }

    /// Lays out number by number.
    public func pack(
        _ matrix: FourBitMatrix, _ blocks: [FourBitMatrix.Block], into weight: PackedWeight
    ) {
        OpChecks.pack(matrix, blocks, into: weight)
        for block in blocks {
            let rows = weight.layout.rows(ofBlock: block.block)
            for row in rows {
                let panel = weight.panel(ofRow: row)
                let lane = row - Int(weight.layout.panelStarts[panel])
                let saved = block.row + row - rows.lowerBound
                for input in weight.inputRange {
                    if input % matrix.group == 0 {
                        weight.store(
                            matrix.quantization(row: saved, group: input / matrix.group),
                            panel: panel, lane: lane, input: input)
                    }
                    weight.store(
                        matrix.number(row: saved, input: input), panel: panel, lane: lane,
                        input: input)
                }
            }
        }
    }

    /// One group of a row of a job: as the checkpoint has it, or quantized.
    private func quantize(
        _ job: PackJob, row: Int, group: Int, _ inputs: Range<Int>, in format: WeightFormat
    ) -> (Quantization, [Int]) {
        let first = row * job.rowStride
        let base = job.source.base + job.byteOffset
        switch job.elements {
        case .real(let dtype):
            let numbers = inputs.map { dtype.load(base, first + $0) }
            let quantization = Self.quantization(of: numbers, in: format)
            let most = format == .int8 ? 255 : 15
            return (
                quantization,
                numbers.map { number in
                    guard quantization.scale > 0 else { return quantization.zero }
                    let steps = (number / quantization.scale).rounded(.toNearestOrEven)
                    return min(max(Int(steps) + quantization.zero, 0), most)
                }
            )
        case .whole(let scales):
            return (
                Quantization(scale: scales.floats(row)[group], zero: WeightFormat.int8Zero),
                inputs.map {
                    Int(base.load(fromByteOffset: first + $0, as: Int8.self))
                        + WeightFormat.int8Zero
                }
            )
        }
    }

    /// Eight bits: 127 steps to the largest magnitude. Four bits: 15 steps, rounded to float16, from
    /// the least number to the greatest, zero being among them; the zero point is rounded.
    private static func quantization(of numbers: [Float], in format: WeightFormat) -> Quantization {
        let low = numbers.reduce(0, min)
        let high = numbers.reduce(0, max)
        if format == .int8 {
            return Quantization(scale: max(-low, high) / 127, zero: WeightFormat.int8Zero)
        }
        let scale = Float(Float16((high - low) / 15))
        let zero = scale > 0 ? (-low / scale).rounded(.toNearestOrEven) : 0
        return Quantization(scale: scale, zero: zero.isFinite ? min(15, Int(zero)) : 0)
    }

    /// The sum of one part, counted in the view: segment after segment, a fused multiply-add of the
    /// whole sum and the product of both scales each.
    func quantizedSum(
        _ input: UnsafePointer<Float>, _ weight: PackedWeight, column: Int, part: Range<Int>
    ) -> Float {
        let origin = weight.inputRange.lowerBound
        let whole = part.lowerBound + origin..<part.upperBound + origin
        let (panel, lane) = weight.place(ofRow: column)
        var sum: Float = 0
        for segment in weight.segments(ofPart: whole) {
            let numbers = segment.map { input[$0 - origin] }
            let (scale, values) = Self.quantizedInput(numbers)
            let quantization = weight.quantization(panel, lane: lane, input: segment.lowerBound)
            let count = zip(segment, values).reduce(0) { count, pair in
                let number = weight.wholeNumber(panel, lane: lane, input: pair.0)
                return count + (number - quantization.zero) * pair.1
            }
            sum.addProduct(Float(count), scale * quantization.scale)
        }
        return sum
    }

    /// Inputs of a segment as whole numbers: 127 steps to the largest magnitude. Where that is so small
    /// that its steps have no number, all are zero; where one is infinite or none, the scale is none.
    private static func quantizedInput(_ numbers: [Float]) -> (scale: Float, values: [Int]) {
        let none = numbers.map { _ in 0 }
        guard numbers.allSatisfy(\.isFinite) else { return (.nan, none) }
        let largest = numbers.map(\.magnitude).reduce(0, max)
        let inverse = 127 / largest
        guard inverse.isFinite else { return (0, none) }
        return (largest / 127, numbers.map { Int(($0 * inverse).rounded(.toNearestOrEven)) })
    }
}
