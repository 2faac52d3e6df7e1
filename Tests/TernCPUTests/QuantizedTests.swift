import TernCPU
import TernTensor
import Testing

@Suite("CPU products with quantized weights")
struct QuantizedTests {
    static let formats: [WeightFormat] = [.int8, .int4(group: 128), .int4(group: 32)]

    /// Blocks of output rows and ends of input parts that divide by nothing but the words of panels.
    static let shapes: [(blocks: [Int], parts: [Int])] = [
        ([100], [0, 96]), ([131], [0, 33]), ([1], [0, 1]), ([40], [0, 301]),
        ([17, 0, 5, 32], [0, 16, 24, 24, 40, 48, 56, 56, 57]),
        ([48], [0, 136, 272, 275]),
        ([16, 16, 3], [0, 48, 96, 144, 192, 240, 288, 336, 390]),
    ]

    @Test("Quantizing and packing equal the reference byte for byte", arguments: formats)
    func packing(format: WeightFormat) throws {
        for (blocks, parts) in Self.shapes {
            for dtype in [DType.float32, .bfloat16, .float16] {
                let expected = try quantizedWeight(
                    blocks, parts, format, on: ReferenceBackend(), dtype: dtype)
                for backend in try everyBackend() {
                    let found = try quantizedWeight(
                        blocks, parts, format, on: backend, dtype: dtype)
                    #expect(
                        contents(found.storage) == contents(expected.storage),
                        "\(backend.kernels.name) \(blocks) \(parts)")
                }
            }
        }
    }

    @Test("Products equal the reference bit for bit", arguments: formats)
    func matchesReference(format: WeightFormat) throws {
        let backends = try everyBackend()
        for (blocks, parts) in Self.shapes {
            let weight = try quantizedWeight(blocks, parts, format, on: ReferenceBackend())
            let bias = try random([weight.outputs], seed: 2)
            for rows in [1, 2, 3, 5, 13, 40, 130] {
                let input = try random([rows, weight.inputs], seed: UInt64(rows))
                let usedBias = rows % 2 == 0 ? bias : nil
                let expected = bits(try product(ReferenceBackend(), input, weight, bias: usedBias))
                for backend in backends {
                    let found = bits(try product(backend, input, weight, bias: usedBias))
                    #expect(
                        found == expected,
                        "\(backend.kernels.name) \(blocks) \(parts) \(rows) rows")
                }
            }
        }
    }

    @Test("Rows of zeros, and inputs of one huge value, give what real arithmetic gives")
    func extremes() throws {
        for format in Self.formats {
            let weight = try quantizedWeight([20], [0, 128], format, on: ReferenceBackend())
            let input = try Tensor(zeros: [2, 128])
            input.withElements(of: Float.self) { $0[130] = 1e30 }
            for backend in try everyBackend() {
                let found = values(try product(backend, input, weight))
                #expect(found[..<20].allSatisfy { $0 == 0 }, "\(backend.kernels.name)")
                for column in 0..<20 {
                    let exact = weight.element(row: column, input: 2) * 1e30
                    #expect(abs(found[20 + column] - exact) <= abs(exact) * 1e-6)
                }
            }
        }
    }

    @Test(
        "Inputs that are no numbers, infinite or tiny give the same bits everywhere, alone or not")
    func oddInputs() throws {
        let odd: [Float] = [
            .nan, -.nan, .infinity, -.infinity, 1e-38, .leastNonzeroMagnitude, 3e38,
        ]
        for format in Self.formats {
            let weight = try quantizedWeight([20], [0, 144, 256], format, on: ReferenceBackend())
            for rows in [1, 11, 12, 13, 40] {
                let input = try random([rows, 256], seed: 3)
                input.withElements(of: Float.self) { elements in
                    for row in 0..<rows { elements[row * 256 + 150] = odd[row % odd.count] }
                    // A segment of nothing else.
                    for index in 0..<144 { elements[index] = index % 2 == 0 ? 1e-38 : 0 }
                }
                let expected = try product(ReferenceBackend(), input, weight)
                #expect(values(expected)[..<20].allSatisfy { $0.isNaN })
                for backend in try everyBackend() {
                    let found = try product(backend, input, weight)
                    let isSame = zip(values(found), values(expected)).allSatisfy {
                        $0.isNaN && $1.isNaN || $0.bitPattern == $1.bitPattern
                    }
                    #expect(isSame, "\(backend.kernels.name) \(format) \(rows) rows")
                }
            }
        }
    }

    @Test("Weights of zeros stay zeros")
    func zeroWeights() throws {
        let source = try Tensor(zeros: [20, 128])
        for format in Self.formats {
            for backend in try everyBackend() as [any Backend] + [ReferenceBackend()] {
                let weight = try PackedWeight(
                    layout: PanelLayout(blocks: [20]), inputParts: [0, 128], format: format)
                let job = PackJob(
                    source: source.storage, byteOffset: 0, rowStride: 128, dtype: .float32,
                    block: 0)
                backend.pack([job], into: weight)
                let found = values(try product(backend, try random([3, 128], seed: 1), weight))
                #expect(found.allSatisfy { $0 == 0 }, "\(format) on \(backend.name)")
            }
        }
    }

    @Test("Slices of the inputs, added by the upper tree, are the whole", arguments: formats)
    func slicesOfInputs(format: WeightFormat) throws {
        // Parts that cut through groups, and one without inputs.
        let ends = [0, 48, 96, 96, 192, 240, 288, 336, 390]
        let weight = try quantizedWeight([37], ends, format, on: ReferenceBackend())
        let input = try random([7, 390], seed: 6)
        for backend in try everyBackend() {
            let whole = bits(try product(backend, input, weight))
            for size in [2, 4, 8] {
                let slices = try (0..<size).map { rank in
                    let slice = weight.inputs(parts: rank * 8 / size..<(rank + 1) * 8 / size)
                    return values(
                        try product(
                            backend,
                            input.tile(rows: 0..<7, columns: slice.inputRange), slice))
                }
                let sums = slices[0].indices.map { index in
                    ReferenceBackend.treeSum(slices.map { $0[index] }[...]).bitPattern
                }
                #expect(Bits(sums) == whole, "\(backend.kernels.name), \(size) slices")
            }
        }
    }

    @Test(
        "Quantizing some of the inputs at a time gives the bytes of all at once: scales are of the whole",
        arguments: formats)
    func packingParts(format: WeightFormat) throws {
        let ends = [0, 48, 96, 144, 390]
        let expected = try quantizedWeight([37], ends, format, on: ReferenceBackend())
        let source = try random([37, 390], seed: 1)
        let backends: [any Backend] = try everyBackend() + [ReferenceBackend()]
        for backend in backends {
            let found = try PackedWeight(
                layout: PanelLayout(blocks: [37]), inputParts: ends, format: format)
            let job = PackJob(
                source: source.storage, byteOffset: 0, rowStride: 390, dtype: .float32, block: 0)
            for parts in [2..<4, 1..<2, 0..<1] {
                #expect(
                    contents(found.storage) != contents(expected.storage), "\(parts) came too early"
                )
                backend.pack([job], into: found.inputs(parts: parts))
            }
            #expect(contents(found.storage) == contents(expected.storage), "\(backend.name)")
        }
    }

    @Test("A row's bits do not depend on how many rows are with it, nor on the workers")
    func rowsAreIndependent() throws {
        for format in Self.formats {
            let weight = try quantizedWeight(
                [131], [0, 40, 80, 197], format, on: ReferenceBackend())
            let input = try random([40, 197], seed: 4)
            for kernels in KernelSet.available {
                let whole = bits(try product(try backend(kernels.name, threads: 1), input, weight))
                let backend = try backend(kernels.name, threads: 3)
                for rows in [1, 2, 7, 11, 12, 13, 25, 40] {
                    let some = bits(try product(backend, input.rows(40 - rows..<40), weight))
                    #expect(some == whole[((40 - rows) * 131)...], "\(rows) rows")
                }
            }
        }
    }

    @Test("Rows of the table are the whole numbers less their zero point, times both scales")
    func embedding() throws {
        let tokens = try indices([0, 16, 99, 5, 130])
        for format in Self.formats {
            let weight = try quantizedWeight([131], [0, 99], format, on: ReferenceBackend())
            let expected = try Tensor(zeros: [5, 99])
            ReferenceBackend().embed(tokens, table: weight, scale: 8.0625, into: expected)
            #expect(values(expected).contains { $0 != 0 })
            for backend in try everyBackend() {
                let rows = try Tensor(zeros: [5, 99])
                backend.embed(tokens, table: weight, scale: 8.0625, into: rows)
                #expect(bits(rows) == bits(expected), "\(backend.kernels.name) \(format)")
            }
        }
    }

    @Test("Bytes of a checkpoint are laid out as they are, with their scales")
    func packingBytes() throws {
        let scales = try random([37, 1], seed: 9)
        let numbers = try Storage(zeroedBytes: 37 * 390)
        func number(_ row: Int, _ input: Int) -> Int { (row * 390 + input) &* 31 % 255 - 127 }
        for row in 0..<37 {
            for input in 0..<390 {
                numbers.base.storeBytes(
                    of: Int8(number(row, input)), toByteOffset: row * 390 + input, as: Int8.self)
            }
        }
        let job = PackJob(
            source: numbers, byteOffset: 0, rowStride: 390, elements: .whole(scales: scales),
            block: 0)
        let backends: [any Backend] = try everyBackend() + [ReferenceBackend()]
        for backend in backends {
            let weight = try PackedWeight(
                layout: PanelLayout(blocks: [37]), inputParts: [0, 390], format: .int8)
            backend.pack([job], into: weight)
            for (row, input) in [(0, 0), (5, 7), (36, 389), (20, 130)] {
                #expect(
                    weight.element(row: row, input: input)
                        == Float(number(row, input)) * values(scales)[row],
                    "\(backend.name) \(row) \(input)")
            }
        }
    }

    @Test("Blocks of whole and of real numbers are packed together, by parts of the inputs too")
    func packingBytesOfBlocks() throws {
        let scales = try random([37, 1], seed: 9)
        let numbers = try Storage(zeroedBytes: 37 * 390)
        for place in 0..<37 * 390 {
            numbers.base.storeBytes(
                of: Int8(place &* 31 % 255 - 127), toByteOffset: place, as: Int8.self)
        }
        let real = try random([20, 390], seed: 10)
        let jobs =
            [(0, 0, 16), (1, 16, 16), (2, 16, 37)].map { block, first, end in
                PackJob(
                    source: numbers, byteOffset: first * 390, rowStride: 390,
                    elements: .whole(scales: scales.rows(first..<end)), block: block)
            } + [
                PackJob(
                    source: real.storage, byteOffset: 0, rowStride: 390, dtype: .float32, block: 3)
            ]
        func packed(_ views: [Range<Int>], _ backend: any Backend) throws -> [UInt8] {
            let weight = try PackedWeight(
                layout: PanelLayout(blocks: [16, 0, 21, 20]), inputParts: [0, 128, 256, 390],
                format: .int8)
            for view in views {
                backend.pack(jobs.reversed(), into: weight.inputs(parts: view))
            }
            return contents(weight.storage)
        }
        let expected = try packed([0..<3], ReferenceBackend())
        let backends: [any Backend] = try everyBackend(threads: 2) + [ReferenceBackend()]
        for backend in backends {
            for views in [[0..<3], [2..<3, 0..<2]] {
                let isSame = try packed(views, backend) == expected
                #expect(isSame, "\(backend.name) \(views)")
            }
        }
    }

    /// Seeded rows in blocks, quantized.
    private func quantizedWeight(
        _ blocks: [Int], _ parts: [Int], _ format: WeightFormat, on backend: any Backend,
        dtype: DType = .float32
    ) throws -> PackedWeight {
        let weight = try PackedWeight(
            layout: PanelLayout(blocks: blocks), inputParts: parts, format: format)
        let inputs = weight.storedInputs
        let source = try random([blocks.reduce(0, +), inputs], seed: 1, dtype: dtype)
        var row = 0
        for (block, count) in blocks.enumerated() {
            let job = PackJob(
                source: source.storage, byteOffset: row * inputs * dtype.bytes, rowStride: inputs,
                dtype: dtype, block: block)
            backend.pack([job], into: weight)
            row += count
        }
        return weight
    }
}
