import TernCPU
import TernTensor
import Testing

@Suite("CPU products")
struct LinearTests {
    static let types: [DType] = [.float32, .bfloat16, .float16]

    /// Blocks of output rows and ends of input parts that divide by nothing.
    static let shapes: [(blocks: [Int], parts: [Int])] = [
        ([100], [0, 96]),
        ([131], [0, 33]),
        ([1], [0, 1]),
        ([17, 0, 5, 32], [0, 12, 24, 24, 36, 48, 50, 50, 51]),
        ([48], [0, 16, 32, 48]),
        ([160], [0, 2, 4, 6, 8, 10]),
        ([16, 16, 16, 16, 16, 16, 3], [0, 8, 16, 24, 32, 40, 48, 56, 64]),
        // Panels of 32 KiB and more, which are padded.
        ([40, 33], [0, 512, 1024]),
        // Too many inputs for two panels of them as float32.
        ([40], [0, 4500, 8998]),
    ]

    @Test(
        "Neighbouring panels do not lie whole 32 KiB apart, which costs 1.4 % at most",
        arguments: types)
    func panelsApart(dtype: DType) throws {
        for inputs in [512, 768, 1024, 2048, 3072, 8192] {
            let layout = PanelLayout(blocks: [64])
            let weight = try PackedWeight(layout: layout, inputParts: [0, inputs], dtype: dtype)
            let elements = inputs * PanelLayout.width * dtype.bytes
            #expect(weight.panelBytes % (32 << 10) != 0)
            #expect(weight.storage.bytes == layout.panels * weight.panelBytes)
            #expect(Double(weight.panelBytes) <= 1.014 * Double(elements))
        }
    }

    @Test("Products equal the reference bit for bit", arguments: types)
    func matchesReference(dtype: DType) throws {
        let backends = try everyBackend()
        for (blocks, parts) in Self.shapes {
            let weight = try randomWeight(blocks: blocks, parts: parts, dtype: dtype, seed: 1)
            let bias = try random([weight.outputs], seed: 2)
            // From 130 rows on each of two workers has rows to itself.
            for rows in [1, 2, 3, 5, 13, 40, 130] + (weight.inputs < 100 ? [400] : []) {
                let input = try random([rows, weight.inputs], seed: UInt64(rows))
                let usedBias = rows % 2 == 0 ? bias : nil
                let expected = bits(
                    try product(ReferenceBackend(), input, weight, bias: usedBias))
                for backend in backends {
                    let found = bits(try product(backend, input, weight, bias: usedBias))
                    #expect(
                        found == expected,
                        "\(backend.kernels.name) \(blocks) \(parts) \(rows) rows")
                }
            }
        }
    }

    @Test("A row's bits do not depend on how many rows are with it", arguments: types)
    func rowsAreIndependent(dtype: DType) throws {
        let weight = try randomWeight(
            blocks: [131], parts: [0, 40, 80, 97], dtype: dtype, seed: 3)
        let input = try random([40, 97], seed: 4)
        for backend in try everyBackend() {
            let whole = bits(try product(backend, input, weight))
            for rows in 1...40 {
                let some = bits(try product(backend, input.rows(40 - rows..<40), weight))
                #expect(some == whole[((40 - rows) * 131)...], "\(rows) rows")
            }
        }
    }

    @Test("Slices of the inputs, added by the upper tree, are the whole", arguments: types)
    func slicesOfInputs(dtype: DType) throws {
        let ends = [0, 12, 24, 24, 36, 48, 50, 50, 51]
        let weight = try randomWeight(blocks: [37], parts: ends, dtype: dtype, seed: 5)
        let input = try random([130, 51], seed: 6)
        for backend in try everyBackend() {
            let whole = bits(try product(backend, input, weight))
            for size in [2, 4, 8] {
                let slices = try (0..<size).map { rank in
                    let parts = rank * 8 / size..<(rank + 1) * 8 / size
                    let slice = weight.inputs(parts: parts)
                    return values(
                        try product(backend, columns(input, slice.inputRange), slice))
                }
                let sums = slices[0].indices.map { index in
                    ReferenceBackend.treeSum(slices.map { $0[index] }[...]).bitPattern
                }
                #expect(Bits(sums) == whole, "\(backend.kernels.name), \(size) slices")
            }
        }
    }

    @Test("Slices of the outputs are columns of the whole", arguments: types)
    func slicesOfOutputs(dtype: DType) throws {
        let blocks = [17, 0, 5, 32]
        let weight = try randomWeight(blocks: blocks, parts: [0, 30, 61], dtype: dtype, seed: 7)
        let input = try random([3, 61], seed: 8)
        for backend in try everyBackend() {
            let whole = bits(try product(backend, input, weight))
            let slice = weight.outputs(blocks: 2..<4)
            let found = bits(try product(backend, input, slice))
            let expected = (0..<3).flatMap { whole[$0 * 54 + 17..<$0 * 54 + 54] }
            #expect(found == Bits(expected), "\(backend.kernels.name)")
        }
    }

    @Test("The number of workers does not change bits", arguments: types)
    func workers(dtype: DType) throws {
        let weight = try randomWeight(blocks: [300], parts: [0, 128, 201], dtype: dtype, seed: 9)
        let input = try random([130, 201], seed: 10)
        for kernels in KernelSet.available {
            let found = try (1...3).map {
                bits(try product(try backend(kernels.name, threads: $0), input, weight))
            }
            #expect(found[0] == found[1] && found[0] == found[2], "\(kernels.name)")
        }
    }

    @Test("Inputs larger than the scratch memory are taken in blocks of rows")
    func manyRows() throws {
        let weight = try randomWeight(blocks: [20], parts: [0, 3000], dtype: .bfloat16, seed: 11)
        let input = try random([800, 3000], seed: 12)
        let backend = try backend(KernelSet.best.name, threads: 2)
        let whole = bits(try product(backend, input, weight))
        for row in [0, 403, 698, 699, 700, 799] {
            let one = bits(try product(backend, input.rows(row..<row + 1), weight))
            #expect(one == whole[row * 20..<row * 20 + 20], "row \(row)")
        }
    }

    @Test("Packing and looking up, scaled, equal the reference for every pair of types")
    func packing() throws {
        let tokens = try indices([0, 16, 130, 131, 5, 152])
        let scale: Float = 8.0625
        for from in Self.types {
            let source = try random([153, 99], seed: 13, dtype: from)
            let jobs = [(0, 0), (131, 2)].map { row, block in
                PackJob(
                    source: source.storage, byteOffset: row * 99 * from.bytes, rowStride: 99,
                    dtype: from, block: block)
            }
            for to in Self.types {
                let layout = PanelLayout(blocks: [131, 0, 22])
                let expected = try PackedWeight(layout: layout, inputParts: [0, 99], dtype: to)
                ReferenceBackend().pack(jobs, into: expected)
                for backend in try everyBackend() {
                    let found = try PackedWeight(layout: layout, inputParts: [0, 99], dtype: to)
                    backend.pack(jobs, into: found)
                    #expect(contents(found.storage) == contents(expected.storage))
                    let rows = try Tensor(zeros: [6, 99])
                    let expectedRows = try Tensor(zeros: [6, 99])
                    backend.embed(tokens, table: found, scale: scale, into: rows)
                    ReferenceBackend().embed(
                        tokens, table: expected, scale: scale, into: expectedRows)
                    #expect(bits(rows) == bits(expectedRows))
                }
            }
        }
    }

    @Test("Blocks are packed at one meeting of the workers, whatever their rows are of")
    func packingTogether() throws {
        let layout = PanelLayout(blocks: [16, 16, 5, 0, 40, 16])
        // The last block gets no rows.
        let types = [DType.bfloat16, .float32, .float16, .float16, .float32]
        let jobs = try types.enumerated().map { block, dtype in
            let stride = 99 + block
            let source = try random([41, stride], seed: 14, dtype: dtype)
            return PackJob(
                source: source.storage, byteOffset: block * dtype.bytes, rowStride: stride,
                dtype: dtype, block: block)
        }.reversed()
        for format in [WeightFormat.plain(.bfloat16), .int8, .int4(group: 32)] {
            let expected = try PackedWeight(layout: layout, inputParts: [0, 99], format: format)
            ReferenceBackend().pack(Array(jobs), into: expected)
            for backend in try everyBackend(threads: 2) {
                let found = try PackedWeight(layout: layout, inputParts: [0, 99], format: format)
                let before = backend.pool.meetings
                backend.pack(Array(jobs), into: found)
                #expect(backend.pool.meetings == before + 1, "\(format)")
                #expect(
                    contents(found.storage) == contents(expected.storage),
                    "\(backend.kernels.name) \(format)")
            }
        }
    }

    @Test(
        "Packing some of the inputs at a time gives the bits of all at once, and touches no other")
    func packingParts() throws {
        let source = try random([37, 99], seed: 17)
        for dtype in Self.types {
            let layout = PanelLayout(blocks: [37])
            func weight() throws -> PackedWeight {
                try PackedWeight(layout: layout, inputParts: [0, 34, 34, 70, 99], dtype: dtype)
            }
            func job(from input: Int) -> PackJob {
                PackJob(
                    source: source.storage, byteOffset: input * 4, rowStride: 99, dtype: .float32,
                    block: 0)
            }
            let expected = try weight()
            ReferenceBackend().pack([job(from: 0)], into: expected)
            let backends: [any Backend] = try everyBackend() + [ReferenceBackend()]
            for backend in backends {
                let found = try weight()
                for parts in [2..<4, 1..<2, 0..<1] {
                    let view = found.inputs(parts: parts)
                    let before = contents(found.storage)
                    #expect(before != contents(expected.storage), "\(parts) came too early")
                    backend.pack([job(from: view.inputRange.lowerBound)], into: view)
                }
                #expect(contents(found.storage) == contents(expected.storage), "\(dtype)")
            }
        }
    }

    @Test("Conversions to halves round every kind of value as the reference does")
    func conversions() throws {
        let patterns: [UInt32] = [
            0, 0x8000_0000, 0x3F80_0000, 0x477F_EFFF, 0x477F_F000, 0x4780_0000, 0x7F80_0000,
            0xFF80_0000, 0x387F_FFFF, 0x3880_0000, 0x3300_0000, 0x3300_0001, 0x32FF_FFFF,
            0x3F80_0FFF, 0x3F80_1000, 0x3F80_3000, 0x3F80_8000, 0x3F81_8000, 0x3F80_8001,
            0x7F7F_FFFF, 0x0000_0001, 0x33C0_0000, 0x3380_0000, 0x7FC0_0000,
        ]
        let source = try Tensor(zeros: [1, patterns.count])
        source.withElements(of: UInt32.self) { _ = $0.update(from: patterns) }
        let job = PackJob(
            source: source.storage, byteOffset: 0, rowStride: patterns.count, dtype: .float32,
            block: 0)
        for dtype in [DType.bfloat16, .float16] {
            let layout = PanelLayout(blocks: [1])
            let parts = [0, patterns.count]
            let expected = try PackedWeight(layout: layout, inputParts: parts, dtype: dtype)
            ReferenceBackend().pack([job], into: expected)
            for backend in try everyBackend() {
                let found = try PackedWeight(layout: layout, inputParts: parts, dtype: dtype)
                backend.pack([job], into: found)
                #expect(contents(found.storage) == contents(expected.storage), "\(dtype)")
            }
        }
    }

    private func columns(_ input: Tensor, _ range: Range<Int>) throws -> Tensor {
        let rows = input.shape[0]
        let width = input.shape[1]
        let output = try Tensor(zeros: [rows, range.count])
        let source = values(input)
        output.withElements(of: Float.self) { elements in
            for row in 0..<rows {
                for (index, column) in range.enumerated() {
                    elements[row * range.count + index] = source[row * width + column]
                }
            }
        }
        return output
    }
}
