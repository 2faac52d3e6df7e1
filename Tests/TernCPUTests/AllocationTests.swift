import CAllocationCounter
import TernCPU
import TernTensor
import Testing

@Suite("CPU allocations")
struct AllocationTests {
    @Test("The counter sees an allocation")
    func counterCounts() {
        let before = allocation_count()
        let array = [Int](repeating: 1, count: 1000)
        #expect(allocation_count() > before && array.count == 1000)
    }

    @Test("No op of a step allocates, for one row and for many")
    func opsAllocateNothing() throws {
        let backend = try backend(KernelSet.best.name, threads: 2)
        for rows in [1, 40] {
            let step = try Step(rows: rows)
            step.run(backend)
            let before = allocation_count()
            for _ in 0..<10 { step.run(backend) }
            #expect(allocation_count() - before == 0, "\(rows) rows")
        }
    }
}

/// Operands of one of each op that a step runs.
private struct Step {
    let weight: PackedWeight
    let input, output, norm, heads, table: Tensor
    let terms: [Tensor]
    let gateUp, gated, maximum: Tensor
    let tokens: Tensor
    let chosen, shares, slots, parts: Tensor
    let cache: KeyValueBlocks
    let batch: AttentionBatch
    let rule: AttentionRule
    let router: RouterRule

    init(rows: Int) throws {
        weight = try randomWeight(blocks: [128], parts: [0, 64, 128], dtype: .bfloat16, seed: 1)
        input = try random([rows, 128], seed: 2)
        output = try Tensor(zeros: [rows, 128])
        terms = [input, output, input]
        norm = try random([128], seed: 3)
        heads = try random([rows, 4, 2, 16], seed: 4)
        table = try random([64, 16], seed: 5)
        gateUp = try random([rows, 256], seed: 6)
        gated = try Tensor(zeros: [rows, 128])
        maximum = try Tensor(zeros: [1])
        tokens = try indices(Array(0..<rows))
        chosen = try Tensor(zeros: [rows, 2], dtype: .int32)
        shares = try Tensor(zeros: [rows, 2])
        slots = try Tensor(zeros: [rows, 2], dtype: .int32)
        parts = try Tensor(zeros: [rows, 2], dtype: .int32)
        let bytes = KeyValueBlocks.blockBytes(
            blockSize: 64, heads: 4, headDimension: 16, dtype: .bfloat16)
        cache = KeyValueBlocks(
            storage: try Storage(zeroedBytes: bytes), byteOffset: 0, dtype: .bfloat16,
            blockCount: 1, blockSize: 64, heads: 4, headDimension: 16)
        batch = AttentionBatch(
            spans: try indices([0, rows, 0, 0]).reshaped([1, 4]), blocks: try indices([0]))
        rule = AttentionRule(
            scale: 0.25, window: 20, softCap: 50, sinks: try random([8], seed: 7))
        router = RouterRule(
            scoring: .sigmoid, correction: norm,
            groups: RouterRule.Groups(count: 8, chosen: 3, score: .sumOfTwoBest),
            renormalizes: true, factor: 2.5)
    }

    func run(_ backend: any Backend) {
        let queries = input.reshaped(Shape(input.shape[0], 8, 16))
        backend.embed(tokens, table: weight, scale: 1, into: output)
        backend.rmsNorm(input, weight: norm, epsilon: 1e-5, into: output)
        backend.linear(input, weight, bias: norm, into: output)
        backend.linear(
            input, weight.outputs(blocks: 0..<1), bias: nil, into: output)
        backend.rotate(heads.third(0), positions: tokens, table: table, pairing: .interleaved)
        backend.store(
            keys: heads.third(0), values: heads.third(1), slots: tokens, into: cache)
        backend.attend(
            queries, cache: cache, batch: batch, rule,
            into: output.reshaped(queries.shape))
        backend.add(input, to: output)
        backend.addNormalize(input, to: output, weight: norm, epsilon: 1e-5, into: gated)
        backend.activateMultiply(gateUp, .geluTanh, into: gated)
        backend.softCap(gated, cap: 30)
        backend.gather(input, rows: tokens, into: output)
        backend.copy(input, into: output)
        backend.treeSum(terms, into: output)
        backend.route(input, router, into: chosen, weights: shares)
        let row = gateUp.reused(as: Shape(128))
        backend.chunkMaxima(row, into: maximum)
        backend.weigh(
            row, highest: 4, temperature: 1, least: 0, into: gated.reused(as: Shape(128)),
            sums: maximum)
        backend.chunkSums(row, atLeast: 0, into: maximum)
        backend.combine(input, slots: slots, weights: shares, parts: parts, into: output)
    }
}
