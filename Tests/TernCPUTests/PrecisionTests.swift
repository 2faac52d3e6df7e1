import TernCPU
import TernTensor
import Testing

@Suite("Products that round their inputs")
struct PrecisionTests {
    private let reference = ReferenceBackend(precision: .medium)

    private func everyBackend(threads: Int = 2) throws -> [CPUBackend] {
        try KernelSet.available.map {
            try CPUBackend(
                processors: Array(0..<threads), pins: false, kernels: $0.name, precision: .medium)
        }
    }

    @Test("They equal the reference bit for bit, for every number of rows, with parts and without")
    func matchesReference() throws {
        for (blocks, parts) in LinearTests.shapes {
            let weight = try randomWeight(blocks: blocks, parts: parts, dtype: .bfloat16, seed: 1)
            let bias = try random([weight.outputs], seed: 2)
            for rows in [1, 2, 3, 5, 13, 40] {
                let input = try random([rows, weight.inputs], seed: UInt64(rows))
                let expected = bits(try product(reference, input, weight, bias: bias))
                for backend in try everyBackend() {
                    #expect(
                        bits(try product(backend, input, weight, bias: bias)) == expected,
                        "\(backend.kernels.name) \(blocks) \(parts) \(rows) rows")
                }
            }
        }
    }

    @Test("They are products of rounded inputs, in another order of sums")
    func meaning() throws {
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
        for backend in try everyBackend() {
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
            for backend in try everyBackend() {
                #expect(bits(try product(backend, input, weight)) == expected)
            }
        }
    }

    @Test("Slices of the inputs, added by the upper tree, are the whole; a row is its own")
    func slices() throws {
        let ends = [0, 12, 24, 24, 36, 48, 50, 50, 51]
        let weight = try randomWeight(blocks: [37], parts: ends, dtype: .bfloat16, seed: 7)
        let input = try random([29, 51], seed: 8)
        for backend in try everyBackend(threads: 3) {
            let whole = bits(try product(backend, input, weight))
            for row in [0, 11, 28] {
                let one = bits(try product(backend, input.rows(row..<row + 1), weight))
                #expect(one[...] == whole[row * 37..<row * 37 + 37])
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
                #expect(sums == whole, "\(backend.kernels.name), \(size) slices")
            }
        }
    }
}
