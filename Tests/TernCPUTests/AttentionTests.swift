import TernCPU
import TernTensor
import Testing

@Suite("CPU attention")
struct AttentionTests {
    @Test(
        "Keys and values lie in the cache as the reference lays them",
        arguments: CacheKind.plain.map(\.dtype))
    func stores(dtype: DType) throws {
        let expected = try AttentionScene(lengths: [70, 5], dtype: dtype)
        try expected.fill(ReferenceBackend())
        for backend in try everyBackend() {
            let found = try AttentionScene(lengths: [70, 5], dtype: dtype)
            try found.fill(backend)
            #expect(contents(found.cache.storage) == contents(expected.cache.storage))
        }
    }

    @Test(
        "Attention stays within 2e-6 of the reference, and where weights are rounded within that",
        arguments: CacheKind.all)
    func matchesReference(kind: CacheKind) throws {
        for (heads, group, dimension) in [(2, 3, 24), (1, 1, 64), (1, 8, 16), (2, 14, 2)] {
            let scene = try AttentionScene(
                lengths: [70, 5, 33], dtype: kind.dtype, heads: heads, group: group,
                headDimension: dimension, valueDimension: dimension)
            try scene.fill(ReferenceBackend())
            let ranges = [40..<70, 0..<5, 32..<33]
            let expected = try scene.attend(kind.reference, ranges).flatMap { $0 }
            for backend in try kind.everyBackend() {
                let found = try scene.attend(backend, ranges).flatMap { $0 }
                let difference = distance(found, expected)
                #expect(difference <= kind.tolerance, "\(backend.kernels.name), \(heads) heads")
            }
        }
    }

    @Test("Medium rounds over bfloat16 where pairs are added, and nowhere else")
    func rounding() throws {
        for dtype in CacheKind.plain.map(\.dtype) {
            let scene = try AttentionScene(lengths: [75], dtype: dtype)
            try scene.fill(ReferenceBackend())
            func found(_ precision: ProductPrecision, _ order: SumOrder) throws -> [Bits] {
                try everyBackend(precision: precision, order: order).map {
                    try scene.attend($0, [0..<75])[0]
                }
            }
            let exact = try found(.highest, .pairs)
            #expect(try found(.medium, .tiles) == exact, "\(dtype)")
            let rounded = try found(.medium, .pairs)
            for (rounded, exact) in zip(rounded, exact) {
                let differing = zip(rounded, exact).filter { $0 != $1 }.count
                #expect(
                    dtype == .bfloat16 ? differing > exact.count / 2 : differing == 0,
                    "\(dtype): \(differing) of \(exact.count)")
            }
        }
    }

    @Test("Chunks of any size, single tokens and any instruction set give the same bits")
    func chunking() throws {
        for kind in CacheKind.all {
            let scene = try AttentionScene(lengths: [75], dtype: kind.dtype)
            try scene.fill(ReferenceBackend())
            let portable = try kind.backend("portable", threads: 1)
            let whole = try scene.attend(portable, [0..<75])[0]
            for backend in try kind.everyBackend() {
                for size in [75, 1, 2, 5, 16, 17, 31] {
                    let chunks = try stride(from: 0, to: 75, by: size).flatMap {
                        try scene.attend(backend, [$0..<min($0 + size, 75)])[0]
                    }
                    #expect(
                        Bits(chunks) == whole,
                        "\(backend.kernels.name), \(kind), chunks of \(size)")
                }
            }
        }
    }

    @Test("A sequence's bits do not depend on the others of the step, nor on the workers")
    func batching() throws {
        let scene = try AttentionScene(lengths: [70, 5, 33, 100], dtype: .bfloat16)
        try scene.fill(ReferenceBackend())
        let ranges = [60..<70, 0..<5, 32..<33, 7..<100]
        for kind in CacheKind.some(1) { try scene.expectApart(ranges, kind) }
    }

    @Test("What stale slots hold is never seen, not even a NaN", arguments: CacheKind.all)
    func staleSlots(kind: CacheKind) throws {
        let clean = try AttentionScene(lengths: [37, 16], dtype: kind.dtype)
        let stale = try AttentionScene(lengths: [37, 16], dtype: kind.dtype, stale: .nan)
        try clean.fill(ReferenceBackend())
        try stale.fill(ReferenceBackend())
        for backend in try kind.everyBackend() {
            let expected = try clean.attend(backend, [0..<37, 3..<16])
            #expect(try stale.attend(backend, [0..<37, 3..<16]) == expected)
            #expect(expected.joined().allSatisfy { Float(bitPattern: $0).isFinite })
        }
    }

    @Test("Scores of any size give finite weights that sum to one")
    func largeScores() throws {
        let scene = try AttentionScene(
            lengths: [40], dtype: .float32, headDimension: 16, valueDimension: 16)
        let keysValues = try random([40, 2, 2, 16], seed: 1)
        keysValues.withElements(of: Float.self) { elements in
            for index in elements.indices {
                elements[index] = index / 16 % 2 == 0 ? elements[index] * 1000 : 1
            }
        }
        let slots = try indices((0..<40).map { scene.sequences[0].blocks[$0 / 32] * 32 + $0 % 32 })
        for backend in try everyBackend() {
            backend.store(
                keys: keysValues.third(0), values: keysValues.third(1), slots: slots,
                into: scene.cache)
            let found = try scene.attend(backend, [0..<40])[0]
            #expect(found.allSatisfy { abs(Float(bitPattern: $0) - 1) < 1e-6 })
        }
    }
}
