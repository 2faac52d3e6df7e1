import Glibc
import TernCPU
import TernTensor
import Testing

/// Whole numbers of a checkpoint's words, as every set of kernels lays them out.
@Suite("Packing words of four bits")
struct FourBitTests {
    /// Random words, halves and zero points for a matrix of an order.
    private func matrix(
        _ order: FourBitMatrix.Order, outputs: Int, inputs: Int, group: Int,
        scaleType: DType = .float16, hasZeros: Bool = true
    ) throws -> FourBitMatrix {
        let groups = (inputs + group - 1) / group
        func words(_ count: Int, seed: UInt64) throws -> FourBitMatrix.Place {
            // Odd addresses, for nothing says that a file aligns its tensors.
            let memory = try Storage(zeroedBytes: 4 * count + 1)
            var state = seed
            for index in 0..<count {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                memory.base.storeBytes(
                    of: UInt32(truncatingIfNeeded: state >> 32), toByteOffset: 4 * index + 1,
                    as: UInt32.self)
            }
            return FourBitMatrix.Place(memory, byteOffset: 1)
        }
        let scales = try random([outputs, groups], seed: 5, dtype: scaleType)
        return FourBitMatrix(
            order: order, outputs: outputs, inputs: inputs, group: group,
            numbers: try words(outputs * inputs / 8, seed: 1),
            scales: FourBitMatrix.Place(scales.storage), scaleType: scaleType,
            zeros: hasZeros ? try words((outputs + 7) / 8 * groups, seed: 2) : nil,
            zeroOffset: order == .columns ? 1 : 0)
    }

    /// The blocks of a matrix, one after the other or from given rows on, each in inputs as parts
    /// come.
    private func packed(
        _ matrix: FourBitMatrix, blocks: [Int], parts: [Int], views: [Range<Int>],
        from starts: [Int]? = nil, on backend: any Backend
    ) throws -> [UInt8] {
        let weight = try PackedWeight(
            layout: PanelLayout(blocks: blocks), inputParts: parts,
            format: .int4(group: matrix.group))
        let starts = starts ?? blocks.indices.map { blocks[..<$0].reduce(0, +) }
        let rows = blocks.indices.map { FourBitMatrix.Block(row: starts[$0], block: $0) }
        for view in views { backend.pack(matrix, rows, into: weight.inputs(parts: view)) }
        return contents(weight.storage)
    }

    @Test(
        "Every kernel lays words out as the reference does, whole and by parts of the inputs",
        arguments: FourBitMatrix.Order.allCases,
        [[16, 16, 16], [48], [128, 8], [8, 24, 0, 8, 8], [6, 6, 6, 6, 6, 6, 6, 6], [20, 28]])
    func matchesReference(order: FourBitMatrix.Order, blocks: [Int]) throws {
        let parts = [0, 48, 96, 144, 1392]
        for group in [128, 24, 1392, 4096] {
            for (type, hasZeros) in [(DType.float16, true), (.bfloat16, false), (.float32, true)] {
                let matrix = try matrix(
                    order, outputs: blocks.reduce(0, +), inputs: 1392, group: group,
                    scaleType: type, hasZeros: hasZeros)
                func bytes(_ views: [Range<Int>], _ backend: any Backend) throws -> [UInt8] {
                    try packed(matrix, blocks: blocks, parts: parts, views: views, on: backend)
                }
                let inTurns = [3..<4, 1..<3, 0..<1]
                let whole = try bytes([0..<4], ReferenceBackend())
                #expect(try bytes(inTurns, ReferenceBackend()) == whole)
                for views in [[0..<4], inTurns, [1..<3]] {
                    let expected = try bytes(views, ReferenceBackend())
                    for backend in try everyBackend() {
                        let isSame = try bytes(views, backend) == expected
                        #expect(isSame, "\(backend.kernels.name) \(blocks) \(group) \(views)")
                    }
                }
            }
        }
    }

    @Test("What is not in view, or not among the blocks, is not read")
    func readsOwnShare() throws {
        let bytes = 512 * 256 / 2
        for order in FourBitMatrix.Order.allCases {
            let memory = try Storage(zeroedBytes: bytes)
            let scales = try Tensor(zeros: [512, 2])
            let matrix = FourBitMatrix(
                order: order, outputs: 512, inputs: 256, group: 128, numbers: .init(memory),
                scales: .init(scales.storage), scaleType: .float32, zeros: nil, zeroOffset: 0)
            let weight = try PackedWeight(
                layout: PanelLayout(blocks: [256, 256]), inputParts: [0, 128, 256],
                format: .int4(group: 128))
            // The first half of the words: those of the first outputs, or of the first inputs.
            #expect(mprotect(memory.base, bytes / 2, PROT_NONE) == 0)
            defer { mprotect(memory.base, bytes / 2, PROT_READ | PROT_WRITE) }
            let last = FourBitMatrix.Block(row: 256, block: 1)
            let first = FourBitMatrix.Block(row: 0, block: 0)
            for backend in try everyBackend() {
                if order == .rows {
                    backend.pack(matrix, [last], into: weight)
                } else {
                    backend.pack(matrix, [first, last], into: weight.inputs(parts: 1..<2))
                }
            }
        }
    }

    @Test(
        "Many panels, more than a strip of work has, take the rows that are theirs, in any order",
        arguments: FourBitMatrix.Order.allCases)
    func manyPanels(order: FourBitMatrix.Order) throws {
        let matrix = try matrix(order, outputs: 408, inputs: 256, group: 128)
        let blocks = Array(repeating: 16, count: 25) + [8]
        func bytes(_ backend: any Backend, row: (Int) -> Int) throws -> [UInt8] {
            try packed(
                matrix, blocks: blocks, parts: [0, 256], views: [0..<1],
                from: blocks.indices.map(row), on: backend)
        }
        let first = { 16 * $0 }
        // The last rows first; from the second word of outputs on; within words.
        for row in [
            first, { max(392 - first($0), 0) }, { min(first($0) + 8, 392) },
            { max(first($0) - 4, 0) },
        ] {
            let expected = try bytes(ReferenceBackend(), row: row)
            for backend in try everyBackend(threads: 3) {
                let isSame = try bytes(backend, row: row) == expected
                #expect(isSame, "\(backend.kernels.name), rows from \(row(1)) on")
            }
        }
    }

    @Test("The reference takes each number from the place that the order gives it")
    func reference() throws {
        // Row 3, input 5 of [8, 16] holds 9 in each order, and everything else 0.
        let cases: [(FourBitMatrix.Order, word: Int, place: Int)] = [
            (.rows, 3 * 2, 5), (.columns, 3, 5), (.outputs, 5, 5),
        ]
        for (order, word, place) in cases {
            let memory = try Storage(zeroedBytes: 64)
            memory.base.storeBytes(
                of: UInt32(9) << (4 * UInt32(place)), toByteOffset: 4 * word, as: UInt32.self)
            let scales = try Tensor(zeros: [8])
            scales.withElements(of: Float.self) { $0.update(repeating: 0.5) }
            let matrix = FourBitMatrix(
                order: order, outputs: 8, inputs: 16, group: 16, numbers: .init(memory),
                scales: .init(scales.storage), scaleType: .float32, zeros: nil, zeroOffset: 0)
            let weight = try PackedWeight(
                layout: PanelLayout(blocks: [8]), inputParts: [0, 16], format: .int4(group: 16))
            ReferenceBackend().pack(matrix, [.init(row: 0, block: 0)], into: weight)
            for row in 0..<8 {
                for input in 0..<16 {
                    let expected: Float = row == 3 && input == 5 ? 0.5 : -4
                    #expect(weight.element(row: row, input: input) == expected, "\(order)")
                }
            }
        }
    }
}
