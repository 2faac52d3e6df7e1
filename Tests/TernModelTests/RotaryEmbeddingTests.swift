import Glibc
import TernTensor
import Testing

@testable import TernModel

@Suite("Angles of positions")
struct RotaryEmbeddingTests {
    /// The tangents of the angles of position 1, in sequences of so many positions.
    private func tangents(
        _ scaling: RopeConfiguration.Scaling, positions: Int
    ) throws -> [Double] {
        let rope = RopeConfiguration(theta: 10000, dimension: 8, scaling: scaling)
        let rotary = try RotaryEmbedding(rope, positions: positions)
        rotary.reach(positions: 2)
        return rotary.table.withElements(of: Float.self) { table in
            (0..<4).map { Double(table[12 + $0] / table[8 + $0]) }
        }
    }

    private func isNear(_ tangents: [Double], _ frequencies: [Double]) -> Bool {
        zip(tangents, frequencies).allSatisfy { abs($0 - tan($1)) <= 1e-4 * $1 }
    }

    // The numbers are transformers' own, for head_dim 8 and a base of 10,000.
    @Test("Dynamic scaling begins behind the trained positions, with transformers' frequencies")
    func dynamic() throws {
        let scaling = RopeConfiguration.Scaling.dynamic(factor: 4, trainedPositions: 64)
        let trained = try tangents(scaling, positions: 64).dropFirst()
        #expect(isNear(Array(trained), [0.1, 0.01, 0.001]))
        let next = try tangents(scaling, positions: 65).dropFirst()
        #expect(isNear(Array(next), [0.09799946, 0.009603894, 0.00094117649]))
        let far = try tangents(scaling, positions: 256).dropFirst()
        #expect(isNear(Array(far), [0.042529035, 0.0018087189, 7.6923075e-05]))
    }

    @Test("The long divisors begin behind the original positions")
    func longrope() throws {
        let scaling = RopeConfiguration.Scaling.longrope(
            short: [1, 2, 3, 4], long: [2, 4, 8, 16], originalPositions: 64)
        let short = try tangents(scaling, positions: 64).dropFirst()
        #expect(isNear(Array(short), [0.05, 0.0033333334, 0.00025]))
        let long = try tangents(scaling, positions: 65)
        #expect(isNear(long, [0.5, 0.025, 0.00125, 6.25e-05]))
    }

    @Test("Angles are made as far as steps reach, by 256 positions, and are those made at once")
    func reaching() throws {
        let rope = RopeConfiguration(theta: 10000, dimension: 8, scaling: .none)
        func angles(_ steps: [Int]) throws -> [Float] {
            let rotary = try RotaryEmbedding(rope, positions: 700)
            for positions in steps { rotary.reach(positions: positions) }
            return rotary.table.withElements(of: Float.self) { Array($0) }
        }
        let all = try angles([700])
        #expect(all.count == 5600 && all[5592...5595].allSatisfy { $0 != 0 })
        #expect(try angles([1, 256, 257, 3, 600, 700]) == all)
        let some = try angles([1, 200])
        #expect(Array(some[..<2048]) == Array(all[..<2048]))
        #expect(some[2048...].allSatisfy { $0 == 0 })
        #expect(try angles([0]).allSatisfy { $0 == 0 })
    }
}
