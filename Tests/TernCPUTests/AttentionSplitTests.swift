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

    private func scene(_ dtype: DType, _ rule: AttentionRule) throws -> AttentionScene {
        let scene = try AttentionScene(lengths: [Self.length], dtype: dtype, rule: rule)
        try scene.fill(try backend(KernelSet.best.name, threads: 1))
        return scene
    }

    @Test("Attention over splits stays within 2e-6 of the reference")
    func matchesReference() throws {
        for (index, rule) in try rules().enumerated() {
            let scene = try scene(AttentionScene.types[index % 4], rule)
            for range in [510..<515, 1023..<1026, 1099..<1100] {
                let expected = try scene.attend(ReferenceBackend(), [range])[0]
                for backend in try everyBackend() {
                    let difference = zip(try scene.attend(backend, [range])[0], expected).map {
                        abs(Float(bitPattern: $0) - Float(bitPattern: $1))
                    }.reduce(0, max)
                    #expect(difference <= 2e-6, "\(backend.kernels.name), rule \(index), \(range)")
                }
            }
        }
    }

    @Test("Prompts, chunks and single tokens give the same bits, divided among workers or not")
    func dividing() throws {
        for (index, rule) in try rules().enumerated() {
            let dtype = AttentionScene.types[index % 4]
            let scene = try scene(dtype, rule)
            let whole = try scene.attend(
                try backend(KernelSet.best.name, threads: 1), [0..<Self.length])[0]
            let width = scene.queryHeads * scene.cache.valueDimension
            for kernels in KernelSet.available {
                for threads in [1, 2, 5] {
                    let backend = try backend(kernels.name, threads: threads)
                    for range in [505..<518, 1024..<1025, 1000..<1100, 1099..<1100, 0..<1] {
                        let expected = whole[range.lowerBound * width..<range.upperBound * width]
                        let found = try scene.attend(backend, [range])[0]
                        #expect(
                            found == Array(expected),
                            "\(kernels.name), \(threads) threads, rule \(index), \(dtype), \(range)"
                        )
                    }
                }
            }
        }
    }

    @Test("A long sequence among short ones is divided, and each keeps its bits")
    func batching() throws {
        for dtype in AttentionScene.types {
            let scene = try AttentionScene(lengths: [40, 1000, 5, 33], dtype: dtype)
            try scene.fill(try backend(KernelSet.best.name, threads: 1))
            let ranges = [39..<40, 990..<1000, 0..<5, 32..<33]
            let expected = try scene.attend(try backend(KernelSet.best.name, threads: 1), ranges)
            let many = try backend(KernelSet.best.name, threads: 4)
            for _ in 0..<20 {
                #expect(try scene.attend(many, ranges) == expected, "\(dtype)")
            }
            for index in ranges.indices {
                let alone = ranges.enumerated().map { $0 == index ? $1 : 0..<0 }
                #expect(try scene.attend(many, alone)[index] == expected[index], "\(dtype)")
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
