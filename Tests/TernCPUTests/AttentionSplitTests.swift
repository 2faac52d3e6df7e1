import TernCPU
import TernTensor
import Testing

/// Sequences of several splits of 512 keys: what is divided among workers, and what is merged.
@Suite("CPU attention over splits")
struct AttentionSplitTests {
    private static let length = 1100

    /// Rules under which windows begin before, at and after the end of a split.
    private func rules() throws -> [AttentionRule] {
        let sinks = try random([6], seed: 30)
        return [
            AttentionRule(scale: 0.2), AttentionRule(scale: 0.2, sinks: sinks),
            AttentionRule(scale: 0.2, window: 512), AttentionRule(scale: 0.2, window: 77),
            AttentionRule(scale: 0.2, window: 600, softCap: 3, sinks: sinks),
        ]
    }

    private func scene(_ kind: CacheKind, _ rule: AttentionRule) throws -> AttentionScene {
        let scene = try AttentionScene(lengths: [Self.length], dtype: kind.dtype, rule: rule)
        try scene.fill(try backend(KernelSet.best.name, threads: 1))
        return scene
    }

    @Test("Attention over splits stays within 2e-6 of the reference, rounded weights within that")
    func matchesReference() throws {
        for (index, rule) in try rules().enumerated() {
            for kind in CacheKind.some(index) {
                let scene = try scene(kind, rule)
                for range in [510..<515, 1023..<1026, 1099..<1100] {
                    let expected = try scene.attend(kind.reference, [range])[0]
                    for backend in try kind.everyBackend() {
                        let found = try scene.attend(backend, [range])[0]
                        let difference = distance(found, expected)
                        #expect(
                            difference <= kind.tolerance,
                            "\(backend.kernels.name), rule \(index), \(kind), \(range)")
                    }
                }
            }
        }
    }

    @Test("Prompts, chunks and single tokens give the same bits, divided among workers or not")
    func dividing() throws {
        for (index, rule) in try rules().enumerated() {
            for kind in CacheKind.some(index) { try expectWhole(kind, rule, "rule \(index)") }
        }
    }

    /// Expects of every set of kernels and number of threads that pieces of a prompt have its bits.
    private func expectWhole(_ kind: CacheKind, _ rule: AttentionRule, _ name: String) throws {
        let scene = try scene(kind, rule)
        let one = try kind.backend(KernelSet.best.name, threads: 1)
        let whole = try scene.attend(one, [0..<Self.length])[0]
        let width = scene.queryHeads * scene.cache.valueDimension
        for kernels in KernelSet.available {
            for threads in [1, 2, 5] {
                let backend = try kind.backend(kernels.name, threads: threads)
                for range in [505..<518, 1024..<1025, 1000..<1100, 1099..<1100, 0..<1] {
                    let expected = whole[range.lowerBound * width..<range.upperBound * width]
                    #expect(
                        try scene.attend(backend, [range])[0] == expected,
                        "\(kernels.name), \(threads) threads, \(name), \(kind), \(range)")
                }
            }
        }
    }

    @Test("A long sequence among short ones is divided, and each keeps its bits")
    func batching() throws {
        for kind in CacheKind.all {
            let scene = try AttentionScene(lengths: [40, 1000, 5, 33], dtype: kind.dtype)
            let one = try kind.backend(KernelSet.best.name, threads: 1)
            try scene.fill(one)
            let ranges = [39..<40, 990..<1000, 0..<5, 32..<33]
            let expected = try scene.attend(one, ranges)
            let many = try kind.backend(KernelSet.best.name, threads: 4)
            for _ in 0..<20 {
                #expect(try scene.attend(many, ranges) == expected, "\(kind)")
            }
            for index in ranges.indices {
                let alone = ranges.enumerated().map { $0 == index ? $1 : 0..<0 }
                #expect(try scene.attend(many, alone)[index] == expected[index], "\(kind)")
            }
        }
    }
}

@Suite("CPU cache of bytes")
struct ByteCacheTests {
    @Test("Rows of zeros, infinities, NaN and numbers too small for a scale are stored as told")
    func extremes() throws {
        let least = Float.leastNonzeroMagnitude
        let rows: [[Float]] = [
            [0, -0, 0, 0], [.infinity, 1, -1, 0], [1, .nan, 2, 3], [least, -least, 0, 0],
            [127, 0.5, 1.5, -2.5], [-1e38, 1e38, 1, 0], [200 * least, -190 * least, least, 0],
        ]
        let keys = try Tensor(zeros: [rows.count, 1, 4])
        keys.withElements(of: Float.self) { elements in
            for (index, element) in rows.joined().enumerated() { elements[index] = element }
        }
        let slots = try indices(Array(rows.indices))
        func stored(_ backend: any Backend) throws -> [UInt8] {
            let bytes = KeyValueBlocks.blockBytes(
                blockSize: 16, heads: 1, headDimension: 4, dtype: .int8)
            let cache = KeyValueBlocks(
                storage: try Storage(zeroedBytes: bytes), byteOffset: 0, dtype: .int8,
                blockCount: 1, blockSize: 16, heads: 1, headDimension: 4)
            backend.store(keys: keys, values: keys, slots: slots, into: cache)
            return Array(UnsafeRawBufferPointer(start: cache.storage.base, count: bytes))
        }
        let expected = try stored(ReferenceBackend())
        // Keys: [dimension][16 tokens]; of 127 itself the scale is 1, and halves round to even.
        let integers: [UInt8] = (0..<4).map { (dimension: Int) in expected[dimension * 16 + 4] }
        #expect(integers == [127, 0, 2, 254])
        for backend in try everyBackend() {
            #expect(try stored(backend) == expected, "\(backend.kernels.name)")
        }
    }
}
