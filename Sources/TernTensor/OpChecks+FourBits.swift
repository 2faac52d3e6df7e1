// What every backend demands of four-bit matrices before it reads them; see OpChecks.

extension OpChecks {
    /// See `Backend.pack`.
    public static func pack(
        _ matrix: FourBitMatrix, _ blocks: [FourBitMatrix.Block], into weight: PackedWeight
    ) {
        precondition(
            weight.format == .int4(group: matrix.group) && weight.storedInputs == matrix.inputs
                && matrix.inputs % 8 == 0,
            "pack: \(matrix.inputs) inputs in groups of \(matrix.group) into \(weight.format) of "
                + "\(weight.storedInputs)")
        precondition(
            matrix.group % 8 == 0,
            "pack: groups of \(matrix.group) inputs, expected a multiple of 8")
        precondition(
            weight.panels == 0..<weight.layout.panels,
            "pack: into a view of panels \(weight.panels) of \(weight.layout.panels)")
        precondition(
            matrix.order == .rows || matrix.outputs % 8 == 0,
            "pack: \(matrix.outputs) outputs, no multiple of 8")
        let count = weight.layout.blockPanels.count - 1
        distinct(blocks.map(\.block))
        for block in blocks {
            precondition(
                block.block >= 0 && block.block < count, "pack: block \(block.block) of \(count)")
            let rows = weight.layout.rows(ofBlock: block.block).count
            precondition(
                block.row >= 0 && block.row + rows <= matrix.outputs,
                "pack: \(rows) rows from \(block.row) of \(matrix.outputs)")
        }
        places(of: matrix)
    }

    private static func places(of matrix: FourBitMatrix) {
        let type = matrix.scaleType
        precondition(type.isFloatingPoint, "pack: scales of \(type)")
        precondition(
            matrix.numbers.holds(bytes: matrix.outputs * (matrix.inputs / 8) * 4)
                && matrix.scales.holds(bytes: matrix.outputs * matrix.groups * type.bytes)
                && matrix.zeros?.holds(bytes: (matrix.outputs + 7) / 8 * matrix.groups * 4)
                    ?? true,
            "pack: less memory than \(matrix.outputs) outputs of \(matrix.inputs) inputs take")
    }
}
