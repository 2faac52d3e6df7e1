import TernCPU
import TernTensor
import Testing

@Suite("CPU copies and sums of matrices")
struct MoveTests {
    /// Shapes with few rows and many, narrow ones and one that is shared by columns.
    static let shapes = [(0, 5), (3, 0), (1, 1), (7, 17), (300, 100), (1, 50_000), (3, 9000)]

    @Test("Copies equal the reference bit for bit, in both types, with any strides")
    func copies() throws {
        for (rows, columns) in Self.shapes {
            let source = try random(Shape(rows, columns + 3), seed: 1)
            let input = source.tile(rows: 0..<rows, columns: 2..<columns + 2)
            let expected = try Tensor(zeros: Shape(rows, columns))
            ReferenceBackend().copy(input, into: expected)
            for backend in try everyBackend() {
                let wide = try Tensor(zeros: Shape(rows, columns + 1))
                backend.copy(input, into: wide.tile(rows: 0..<rows, columns: 1..<columns + 1))
                let found = try Tensor(zeros: Shape(rows, columns))
                backend.copy(wide.tile(rows: 0..<rows, columns: 1..<columns + 1), into: found)
                #expect(bits(found) == bits(expected), "\(rows) x \(columns)")
                #expect((0..<rows).allSatisfy { values(wide)[$0 * (columns + 1)] == 0 })
                let dense = try Tensor(zeros: Shape(rows, columns))
                backend.copy(found, into: dense)
                #expect(bits(dense) == bits(expected), "\(rows) x \(columns), dense")
            }
        }
        let numbers = try indices([7, -1, 5, 1 << 30]).reshaped([2, 2])
        let copies = try Tensor(zeros: [2, 2], dtype: .int32)
        try everyBackend().forEach { $0.copy(numbers, into: copies) }
        copies.withElements(of: Int32.self) { #expect(Array($0) == [7, -1, 5, 1 << 30]) }
    }

    @Test("Sums of 1 to 16 matrices equal the reference's tree bit for bit", arguments: 1...16)
    func sums(count: Int) throws {
        for (rows, columns) in Self.shapes where rows * columns < 30_000 {
            let inputs = try (0..<count).map {
                try random(Shape(rows, columns + $0 % 3), seed: UInt64($0))
                    .tile(rows: 0..<rows, columns: $0 % 3..<columns + $0 % 3)
            }
            let expected = try Tensor(zeros: Shape(rows, columns))
            ReferenceBackend().treeSum(inputs, into: expected)
            for backend in try everyBackend() {
                let found = try Tensor(zeros: Shape(rows, columns))
                backend.treeSum(inputs, into: found)
                #expect(bits(found) == bits(expected), "\(rows) x \(columns)")
            }
        }
    }

    @Test("A sum may replace one of its terms, whichever")
    func inPlace() throws {
        for place in 0..<5 {
            let terms = try (0..<5).map { try random([40, 600], seed: UInt64($0)) }
            let expected = try Tensor(zeros: [40, 600])
            ReferenceBackend().treeSum(terms, into: expected)
            for backend in try everyBackend() {
                var inputs = terms
                inputs[place] = try random([40, 600], seed: UInt64(place))
                backend.treeSum(inputs, into: inputs[place])
                #expect(bits(inputs[place]) == bits(expected), "\(place)")
            }
        }
    }
}
