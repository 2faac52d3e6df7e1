import Glibc
import TernCPU
import TernTensor
import Testing

@Suite("CPU ops along rows")
struct RowTests {
    @Test("Norms equal the reference bit for bit, dense, in place, and on heads with strides")
    func norms() throws {
        for width in [1, 15, 16, 96, 100, 2048] {
            let weight = try random([width], seed: 1)
            let input = try random([5, width], seed: 2)
            let expected = try Tensor(zeros: [5, width])
            ReferenceBackend().rmsNorm(input, weight: weight, epsilon: 1e-5, into: expected)
            for backend in try everyBackend() {
                let found = try Tensor(zeros: [5, width])
                backend.rmsNorm(input, weight: weight, epsilon: 1e-5, into: found)
                #expect(bits(found) == bits(expected), "width \(width)")
                let inPlace = try random([5, width], seed: 2)
                backend.rmsNorm(inPlace, weight: weight, epsilon: 1e-5, into: inPlace)
                #expect(bits(inPlace) == bits(expected), "width \(width), in place")
            }
        }
    }

    @Test("A sum and its norm in one op have the bits of the two, on any row stride")
    func addedNorms() throws {
        for width in [1, 15, 16, 100, 768] {
            let weight = try random([width], seed: 1)
            let update = try random([5, 2 * width], seed: 2)
                .tile(rows: 0..<5, columns: width..<2 * width)
            let expectedSum = try random([5, width], seed: 3)
            let expected = try Tensor(zeros: [5, width])
            ReferenceBackend().add(update, to: expectedSum)
            ReferenceBackend().rmsNorm(
                expectedSum, weight: weight, epsilon: 1e-5, into: expected)
            for backend in try everyBackend() as [any Backend] + [ReferenceBackend()] {
                let hidden = try random([5, width], seed: 3)
                let found = try Tensor(zeros: [5, width])
                backend.addNormalize(
                    update, to: hidden, weight: weight, epsilon: 1e-5, into: found)
                #expect(bits(hidden) == bits(expectedSum), "\(backend.name), width \(width)")
                #expect(bits(found) == bits(expected), "\(backend.name), width \(width)")
            }
        }
    }

    @Test("Norms of keys leave the values between them alone")
    func stridedNorms() throws {
        let weight = try random([24], seed: 3)
        let expected = try random([4, 3, 2, 24], seed: 4)
        ReferenceBackend().rmsNorm(
            expected.third(0), weight: weight, epsilon: 1e-6, into: expected.third(0))
        for backend in try everyBackend() {
            let found = try random([4, 3, 2, 24], seed: 4)
            backend.rmsNorm(found.third(0), weight: weight, epsilon: 1e-6, into: found.third(0))
            #expect(bits(found) == bits(expected))
        }
    }

    @Test("A norm is what its formula says")
    func normFormula() throws {
        let input = try random([1, 100], seed: 5)
        let weight = try random([100], seed: 6)
        let output = try Tensor(zeros: [1, 100])
        ReferenceBackend().rmsNorm(input, weight: weight, epsilon: 1e-5, into: output)
        let squares = values(input).map { Double($0) * Double($0) }.reduce(0, +)
        let scale = 1 / (squares / 100 + 1e-5).squareRoot()
        for (index, value) in values(output).enumerated() {
            let exact = Double(values(input)[index]) * scale * Double(values(weight)[index])
            #expect(abs(Double(value) - exact) <= 1e-6 * max(1, abs(exact)))
        }
    }

    @Test("Sums, copies and seeded numbers equal the reference bit for bit")
    func copies() throws {
        let input = try random([9, 101], seed: 7)
        let rows = try indices([8, 0, 3, 3])
        let expectedSum = try random([9, 101], seed: 8)
        ReferenceBackend().add(input, to: expectedSum)
        let expectedRows = try Tensor(zeros: [4, 101])
        ReferenceBackend().gather(input, rows: rows, into: expectedRows)
        for backend in try everyBackend() {
            let sum = try random([9, 101], seed: 8)
            backend.add(input, to: sum)
            #expect(bits(sum) == bits(expectedSum))
            let found = try Tensor(zeros: [4, 101])
            backend.gather(input, rows: rows, into: found)
            #expect(bits(found) == bits(expectedRows))
        }
    }

    @Test("Seeded numbers equal the reference in every type", arguments: LinearTests.types)
    func seededNumbers(dtype: DType) throws {
        let count = 70_001
        let expected = try random([count], seed: 9, dtype: dtype)
        for backend in try everyBackend() {
            let found = try Tensor(zeros: [count], dtype: dtype)
            backend.fillRandom(found, seed: 9, scale: 1)
            let difference = memcmp(found.address, expected.address, count * dtype.bytes)
            #expect(difference == 0, "\(backend.kernels.name)")
        }
        let numbers = (0..<count).map { Double(dtype.load(expected.address, $0)) }
        let mean = numbers.reduce(0, +) / Double(count)
        let variance = numbers.map { $0 * $0 }.reduce(0, +) / Double(count) - mean * mean
        #expect(abs(mean) < 0.02 && abs(variance - 1) < 0.03, "\(mean), \(variance)")
    }

    @Test(
        "Rotations equal the reference bit for bit, of some dimensions and of either pairs",
        arguments: [RotaryPairing.halves, .interleaved])
    func rotations(pairing: RotaryPairing) throws {
        let positions = try indices([0, 1, 7, 63, 40])
        for (rotated, range) in [(24, 0..<24), (16, 0..<24), (2, 0..<24), (10, 14..<24)] {
            let table = try random([64, rotated], seed: 10)
            let expected = try random([5, 3, 2, 24], seed: 11)
            let untouched = bits(expected)
            ReferenceBackend().rotate(
                expected.third(0).last(range), positions: positions, table: table,
                pairing: pairing)
            #expect(bits(expected) != untouched)
            for backend in try everyBackend() {
                let found = try random([5, 3, 2, 24], seed: 11)
                backend.rotate(
                    found.third(0).last(range), positions: positions, table: table,
                    pairing: pairing)
                #expect(bits(found) == bits(expected), "\(rotated) of \(range)")
            }
        }
    }

    @Test("Pairs side by side rotate as halves do, in another order")
    func pairings() throws {
        let positions = try indices([3, 5])
        let table = try random([8, 10], seed: 13)
        let halves = try random([2, 1, 10], seed: 14)
        let interleaved = try Tensor(zeros: [2, 1, 10])
        func interleave(_ source: [Float]) -> [Float] {
            source.indices.map { source[$0 / 10 * 10 + $0 % 10 / 2 + $0 % 2 * 5] }
        }
        interleaved.withElements(of: Float.self) { elements in
            for (index, value) in interleave(values(halves)).enumerated() {
                elements[index] = value
            }
        }
        ReferenceBackend().rotate(halves, positions: positions, table: table, pairing: .halves)
        ReferenceBackend().rotate(
            interleaved, positions: positions, table: table, pairing: .interleaved)
        #expect(values(interleaved) == interleave(values(halves)))
    }
}
