import TernCPU
import TernTensor
import Testing

@Suite("Products that round their inputs")
struct PrecisionTests {
    private func everyBackend(_ order: SumOrder, threads: Int = 2) throws -> [CPUBackend] {
        try TernCPUTests.everyBackend(threads: threads, precision: .medium, order: order)
    }

    @Test(
        "They equal the reference bit for bit, for every number of rows, with parts and without",
        arguments: SumOrder.allCases)
    func matchesReference(order: SumOrder) throws {
        let reference = ReferenceBackend(precision: .medium, sumOrder: order)
        let steps = [([40], [0, 64, 64, 130, 160, 198, 262, 264, 359]), ([21], [0, 608])]
        for (blocks, parts) in LinearTests.shapes + steps {
            let weight = try randomWeight(blocks: blocks, parts: parts, dtype: .bfloat16, seed: 1)
            let bias = try random([weight.outputs], seed: 2)
            for rows in [1, 2, 3, 5, 11, 12, 13, 40, 130] {
                let input = try random([rows, weight.inputs], seed: UInt64(rows))
                let expected = bits(try product(reference, input, weight, bias: bias))
                for backend in try everyBackend(order) {
                    #expect(
                        bits(try product(backend, input, weight, bias: bias)) == expected,
                        "\(backend.kernels.name) \(blocks) \(parts) \(rows) rows")
                }
            }
        }
    }

    @Test("Each order is its own, and a backend has the machine's unless another is asked for")
    func orders() throws {
        let weight = try randomWeight(blocks: [64], parts: [0, 320], dtype: .bfloat16, seed: 9)
        let input = try random([3, 320], seed: 10)
        let found = try SumOrder.allCases.map {
            bits(try product(ReferenceBackend(precision: .medium, sumOrder: $0), input, weight))
        }
        let differing = zip(found[0], found[1]).filter { $0 != $1 }.count
        #expect(differing > 64, "\(differing) of 192 sums differ")
        let backend = try CPUBackend(processors: [0], pins: false, precision: .medium)
        #expect(backend.sumOrder == KernelSet.machineOrder)
        let own = SumOrder.allCases.firstIndex(of: KernelSet.machineOrder) ?? 0
        #expect(bits(try product(backend, input, weight)) == found[own])
    }

    #if arch(x86_64)
        @Test("By steps, numbers below 2^-126 are zeros, given and found, for few rows and many")
        func smallNumbers() throws {
            let reference = ReferenceBackend(precision: .medium, sumOrder: .tiles)
            let weight = try PackedWeight(
                layout: PanelLayout(blocks: [20]), inputParts: [0, 32, 64, 124], dtype: .bfloat16)
            let source = try Tensor(zeros: [20, 124])
            let input = try Tensor(zeros: [16, 124])
            // Products are from 2^-122 to 2^-134, and some factors are below 2^-126 themselves.
            for (tensor, seed) in [(source, UInt64(11)), (input, 12)] {
                ReferenceBackend().fillRandom(tensor, seed: seed, scale: 0x1p-64)
                tensor.withElements(of: Float.self) { elements in
                    for index in stride(from: 0, to: elements.count, by: 7) {
                        elements[index] *= 0x1p-64
                    }
                }
            }
            reference.pack(
                [
                    PackJob(
                        source: source.storage, byteOffset: 0, rowStride: 124, dtype: .float32,
                        block: 0)
                ], into: weight)
            for rows in [1, 12, 16] {
                let some = input.rows(0..<rows)
                let expected = bits(try product(reference, some, weight))
                let zeros = expected.filter { $0 & 0x7FFF_FFFF == 0 }.count
                #expect(zeros < expected.count && (zeros > 0 || rows == 1), "\(zeros) zeros")
                for backend in try everyBackend(.tiles) {
                    let found = bits(try product(backend, some, weight))
                    #expect(found == expected, "\(backend.kernels.name) \(rows) rows")
                }
            }
            #expect(Float(0x1p-100) * Float(0x1p-40) == 0x1p-140, "the thread flushes afterwards")
        }
    #endif

    @Test(
        "They are products of rounded inputs, in another order of sums",
        arguments: SumOrder.allCases)
    func meaning(order: SumOrder) throws {
        let weight = try randomWeight(blocks: [40], parts: [0, 96], dtype: .bfloat16, seed: 3)
        let input = try random([5, 96], seed: 4)
        let rounded = try Tensor(zeros: [5, 96])
        rounded.withElements(of: Float.self) { elements in
            for (index, value) in values(input).enumerated() {
                elements[index] = BFloat16(value).float
            }
        }
        let exact = try product(ReferenceBackend(), rounded, weight)
        let unrounded = try product(ReferenceBackend(), input, weight)
        for backend in try everyBackend(order) {
            let found = try product(backend, input, weight)
            #expect(distance(found, exact) < 1e-4, "\(backend.kernels.name)")
            #expect(distance(found, unrounded) > 1e-3, "nothing was rounded")
        }
    }

    @Test("Weights of other types are not concerned")
    func otherTypes() throws {
        for dtype in [DType.float32, .float16] {
            let weight = try randomWeight(blocks: [40], parts: [0, 96], dtype: dtype, seed: 5)
            let input = try random([5, 96], seed: 6)
            let expected = bits(try product(ReferenceBackend(), input, weight))
            for backend in try SumOrder.allCases.flatMap({ try everyBackend($0) }) {
                #expect(bits(try product(backend, input, weight)) == expected)
            }
        }
    }

    @Test(
        "Slices of the inputs, added by the upper tree, are the whole; a row is its own",
        arguments: SumOrder.allCases)
    func slices(order: SumOrder) throws {
        let ends = [0, 12, 24, 24, 36, 48, 50, 50, 51]
        let weight = try randomWeight(blocks: [37], parts: ends, dtype: .bfloat16, seed: 7)
        let input = try random([29, 51], seed: 8)
        for backend in try everyBackend(order, threads: 3) {
            let whole = bits(try product(backend, input, weight))
            for row in [0, 11, 28] {
                let one = bits(try product(backend, input.rows(row..<row + 1), weight))
                #expect(one == whole[row * 37..<row * 37 + 37])
            }
            for size in [2, 4, 8] {
                let slices = try (0..<size).map { rank in
                    let slice = weight.inputs(parts: rank * 8 / size..<(rank + 1) * 8 / size)
                    return values(
                        try product(
                            backend, input.tile(rows: 0..<29, columns: slice.inputRange), slice))
                }
                let sums = slices[0].indices.map { index in
                    ReferenceBackend.treeSum(slices.map { $0[index] }[...]).bitPattern
                }
                #expect(Bits(sums) == whole, "\(backend.kernels.name), \(size) slices")
            }
        }
    }
}
