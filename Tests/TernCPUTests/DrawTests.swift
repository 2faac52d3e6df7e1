import TernCPU
import TernTensor
import Testing

@Suite("CPU ops of draws")
struct DrawTests {
    private let sizes = [1, 15, 16, 63, 511, 512, 513, 700, 4097, 20_011]

    /// Random values, some of them no numbers.
    private func logits(_ size: Int) throws -> Tensor {
        let tensor = try random([size], seed: UInt64(size))
        tensor.withElements(of: Float.self) { elements in
            for index in elements.indices {
                elements[index] = index % 37 == 5 ? .nan : elements[index] * 4
            }
            if size > 600 { elements[600] = -.infinity }
        }
        return tensor
    }

    @Test("Maxima of chunks are the reference's")
    func maxima() throws {
        for size in sizes {
            let values = try logits(size)
            let expected = try Tensor(zeros: [Chunks.count(of: size)])
            ReferenceBackend().chunkMaxima(values, into: expected)
            for backend in try everyBackend() {
                let found = try Tensor(zeros: [Chunks.count(of: size)])
                backend.chunkMaxima(values, into: found)
                #expect(bits(found) == bits(expected), "\(backend.kernels.name), \(size)")
            }
        }
    }

    @Test("Sums of chunks are the reference's, of all weights and of those above a bar")
    func sums() throws {
        for size in sizes {
            let weights = try random([size], seed: 7)
            for least: Float in [-10, 0, 0.5, 9] {
                let expected = try Tensor(zeros: [Chunks.count(of: size)])
                ReferenceBackend().chunkSums(weights, atLeast: least, into: expected)
                for backend in try everyBackend() {
                    let found = try Tensor(zeros: [Chunks.count(of: size)])
                    backend.chunkSums(weights, atLeast: least, into: found)
                    #expect(bits(found) == bits(expected), "\(backend.kernels.name), \(size)")
                }
            }
        }
    }

    @Test(
        "Weights are the reference's within 200 units of 2^-24, and kernel sets agree on all bits")
    func weights() throws {
        for size in sizes {
            let logits = try logits(size)
            for (temperature, least) in [(1, 0), (0.3, 0.001), (1e-30, 0)] as [(Float, Float)] {
                let chunks = Chunks.count(of: size)
                func weigh(_ backend: any Backend) throws -> (weights: Tensor, sums: Tensor) {
                    let (weights, sums) = try (Tensor(zeros: [size]), Tensor(zeros: [chunks]))
                    backend.weigh(
                        logits, highest: 12, temperature: temperature, least: least,
                        into: weights, sums: sums)
                    return (weights, sums)
                }
                let expected = values(try weigh(ReferenceBackend()).weights)
                var sets: Set<Bits> = []
                for backend in try everyBackend() {
                    let found = try weigh(backend)
                    sets.insert(bits(found.weights) + bits(found.sums))
                    let pairs = zip(values(found.weights), expected)
                    #expect(
                        pairs.allSatisfy { found, exact in
                            // Where a weight is just at the bar, one of the two may miss it.
                            abs(found - exact) <= 200 * 0x1p-24 * exact + 1e-37
                                || min(found, exact) == 0 && max(found, exact) < least * 1.0001
                        }, "\(backend.kernels.name), \(size), \(temperature)")
                    let sums = try Tensor(zeros: [chunks])
                    ReferenceBackend().chunkSums(found.weights, atLeast: 0, into: sums)
                    #expect(bits(found.sums) == bits(sums))
                }
                #expect(sets.count == 1, "\(size), \(temperature)")
            }
        }
    }
}
