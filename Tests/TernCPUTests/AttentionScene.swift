// Sequences in a paged cache and queries on them, for the tests of attention.

import TernCPU
import TernTensor
import Testing

/// A sequence in the cache: its blocks, and how many of its tokens are stored.
struct CachedSequence {
    let blocks: [Int]
    let tokens: Int
}

/// What a cache holds, and how exactly it is multiplied.
struct CacheKind: Sendable, CustomStringConvertible {
    let dtype: DType
    var precision = ProductPrecision.highest
    /// Types that a cache may have.
    static let plain = (LinearTests.types + [.int8]).map { CacheKind(dtype: $0) }
    /// Queries and weights are rounded as well.
    static let rounded = CacheKind(dtype: .bfloat16, precision: .medium)
    static let all = plain + [rounded]

    var description: String { precision == .medium ? "\(dtype), rounded" : "\(dtype)" }
    var reference: ReferenceBackend { ReferenceBackend(precision: precision) }
    /// How far attention may be from the reference. Weights that are rounded, which the reference
    /// leaves as they are, are off by 2^-9 of themselves at most, and values reach 4.5 here.
    var tolerance: Float { precision == .medium ? 0x1p-9 * 4.5 : 2e-6 }

    /// One of the plain kinds, by turns, and the rounded one.
    static func some(_ turn: Int) -> [CacheKind] { [plain[turn % plain.count], rounded] }

    func everyBackend() throws -> [CPUBackend] {
        try TernCPUTests.everyBackend(precision: precision)
    }

    func backend(_ kernels: String, threads: Int) throws -> CPUBackend {
        try TernCPUTests.backend(kernels, threads: threads, precision: precision)
    }
}

/// Sequences with seeded keys, values and queries in one cache.
struct AttentionScene {
    static let blockCount = 40
    let cache: KeyValueBlocks
    let sequences: [CachedSequence]
    let queryHeads: Int
    let rule: AttentionRule
    /// Of each sequence, all positions: `[tokens, queryHeads, headDimension]`.
    private let queries: [[Float]]

    init(
        lengths: [Int], dtype: DType, blockSize: Int = 32, heads: Int = 2, group: Int = 3,
        headDimension: Int = 24, valueDimension: Int = 24, stale: Float = 0,
        rule: AttentionRule = AttentionRule(scale: 0.2)
    ) throws {
        let bytes = KeyValueBlocks.blockBytes(
            blockSize: blockSize, heads: heads, headDimension: headDimension,
            valueDimension: valueDimension, dtype: dtype)
        let storage = try Storage(zeroedBytes: Self.blockCount * bytes)
        if stale != 0 {
            // Scales are float32 among bytes: all memory is filled with such numbers then.
            let type = dtype == .int8 ? .float32 : dtype
            for index in 0..<storage.bytes / type.bytes {
                type.store(stale, to: storage.base, index)
            }
        }
        cache = KeyValueBlocks(
            storage: storage, byteOffset: 0, dtype: dtype, blockCount: Self.blockCount,
            blockSize: blockSize, heads: heads, headDimension: headDimension,
            valueDimension: valueDimension)
        queryHeads = heads * group
        self.rule = rule
        // Blocks in descending order, so that no table is the identity.
        var free = Array(0..<Self.blockCount)
        sequences = lengths.map { length in
            let needed = (length + blockSize - 1) / blockSize
            defer { free.removeLast(needed) }
            return CachedSequence(blocks: free.suffix(needed).reversed(), tokens: length)
        }
        queries = try lengths.enumerated().map { index, length in
            values(
                try random([length, heads * group, headDimension], seed: 200 + UInt64(index)))
        }
    }

    /// Stores all keys and values by a backend.
    func fill(_ backend: any Backend) throws {
        for (index, sequence) in sequences.enumerated() {
            // Keys and values side by side, as a projection gives them.
            let keysValues = try random(
                [sequence.tokens, cache.heads, cache.headDimension + cache.valueDimension],
                seed: 100 + UInt64(index))
            backend.store(
                keys: keysValues.last(0..<cache.headDimension),
                values: keysValues.last(cache.headDimension..<keysValues.shape[2]),
                slots: try indices((0..<sequence.tokens).map { slot(of: $0, in: index) }),
                into: cache)
        }
    }

    /// Where a token of a sequence is stored.
    func slot(of token: Int, in sequence: Int) -> Int {
        sequences[sequence].blocks[token / cache.blockSize] * cache.blockSize
            + token % cache.blockSize
    }

    /// Expects of every set of kernels that each sequence has the same bits alone and with the others,
    /// by one worker and by three.
    func expectApart(_ ranges: [Range<Int>], _ kind: CacheKind) throws {
        for kernels in KernelSet.available {
            let one = try kind.backend(kernels.name, threads: 1)
            let together = try attend(one, ranges)
            #expect(try attend(kind.backend(kernels.name, threads: 3), ranges) == together)
            for index in ranges.indices {
                let alone = ranges.enumerated().map { $0 == index ? $1 : 0..<0 }
                #expect(try attend(one, alone)[index] == together[index])
            }
        }
    }

    /// Attends the positions `ranges[i]` of each sequence i in one call.
    func attend(_ backend: any Backend, _ ranges: [Range<Int>]) throws -> [Bits] {
        let rows = ranges.map(\.count).reduce(0, +)
        let width = queryHeads * cache.headDimension
        let queries = try Tensor(zeros: [rows, queryHeads, cache.headDimension])
        let output = try Tensor(zeros: [rows, queryHeads, cache.valueDimension])
        var spans: [Int] = []
        var row = 0
        for (index, range) in ranges.enumerated() {
            let all = self.queries[index]
            queries.withElements(of: Float.self) { elements in
                for offset in 0..<range.count * width {
                    elements[row * width + offset] = all[range.lowerBound * width + offset]
                }
            }
            let before = sequences.prefix(index).map(\.blocks.count).reduce(0, +)
            spans += [row, range.count, range.lowerBound, before]
            row += range.count
        }
        let batch = AttentionBatch(
            spans: try indices(spans).reshaped([ranges.count, 4]),
            blocks: try indices(sequences.flatMap(\.blocks)))
        backend.attend(queries, cache: cache, batch: batch, rule, into: output)
        let found = bits(output)
        let outputWidth = queryHeads * cache.valueDimension
        var start = 0
        return ranges.map { range in
            defer { start += range.count * outputWidth }
            return found[start..<start + range.count * outputWidth]
        }
    }
}
