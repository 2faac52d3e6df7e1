// Times products where they count: within the steps of an engine. A backend that hands every op on to
// another, and reads the clock before and after a product.

import Synchronization
import TernBench
import TernTensor

/// What the products of all ranks took since it was last asked.
final class ProductTimes: Sendable {
    private let found = Mutex(PhaseProducts())
    private let sequences: Int

    /// For batches of so many sequences.
    init(sequences: Int) { self.sequences = sequences }

    /// What was counted; counting begins anew.
    func take() -> PhaseProducts {
        found.withLock { products in
            defer { products = PhaseProducts() }
            return products
        }
    }

    fileprivate func add(_ weight: PackedWeight, rows: Int, seconds: Double) {
        // A rank without a token of its own reads no weight.
        guard rows > 0 else { return }
        let phase = rows > sequences ? \PhaseProducts.prefill : \PhaseProducts.decode
        found.withLock { products in
            products[keyPath: phase].add(
                rows: rows, inputs: weight.inputs, outputs: weight.outputs,
                bytesPerElement: weight.format.bytesPerElement, seconds: seconds)
        }
    }
}

/// A rank's backend, its products timed.
final class ProductTimer: Backend {
    private let base: any Backend
    private let times: ProductTimes

    init(_ base: any Backend, _ times: ProductTimes) {
        self.base = base
        self.times = times
    }

    var name: String { base.name }

    func linear(_ input: Tensor, _ weight: PackedWeight, bias: Tensor?, into output: Tensor) {
        let start = ContinuousClock.now
        base.linear(input, weight, bias: bias, into: output)
        times.add(
            weight, rows: input.shape[0], seconds: (ContinuousClock.now - start) / .seconds(1))
    }

    func pack(_ jobs: [PackJob], into weight: PackedWeight) { base.pack(jobs, into: weight) }

    func pack(
        _ matrix: FourBitMatrix, _ blocks: [FourBitMatrix.Block], into weight: PackedWeight
    ) {
        base.pack(matrix, blocks, into: weight)
    }

    func fillRandom(_ tensor: Tensor, seed: UInt64, scale: Float) {
        base.fillRandom(tensor, seed: seed, scale: scale)
    }

    func embed(_ tokens: Tensor, table: PackedWeight, scale: Float, into output: Tensor) {
        base.embed(tokens, table: table, scale: scale, into: output)
    }

    func rmsNorm(_ input: Tensor, weight: Tensor, epsilon: Float, into output: Tensor) {
        base.rmsNorm(input, weight: weight, epsilon: epsilon, into: output)
    }

    func add(_ input: Tensor, to accumulator: Tensor) { base.add(input, to: accumulator) }

    func addNormalize(
        _ update: Tensor, to hidden: Tensor, weight: Tensor, epsilon: Float, into output: Tensor
    ) {
        base.addNormalize(update, to: hidden, weight: weight, epsilon: epsilon, into: output)
    }

    func rotate(_ heads: Tensor, positions: Tensor, table: Tensor, pairing: RotaryPairing) {
        base.rotate(heads, positions: positions, table: table, pairing: pairing)
    }

    func store(keys: Tensor, values: Tensor, slots: Tensor, into cache: KeyValueBlocks) {
        base.store(keys: keys, values: values, slots: slots, into: cache)
    }

    func attend(
        _ queries: Tensor, cache: KeyValueBlocks, batch: AttentionBatch, _ rule: AttentionRule,
        into output: Tensor
    ) {
        base.attend(queries, cache: cache, batch: batch, rule, into: output)
    }

    func softCap(_ tensor: Tensor, cap: Float) { base.softCap(tensor, cap: cap) }

    func activateMultiply(_ gateUp: Tensor, _ activation: GatedActivation, into output: Tensor) {
        base.activateMultiply(gateUp, activation, into: output)
    }

    func gather(_ input: Tensor, rows: Tensor, into output: Tensor) {
        base.gather(input, rows: rows, into: output)
    }

    func copy(_ input: Tensor, into output: Tensor) { base.copy(input, into: output) }

    func treeSum(_ inputs: [Tensor], into output: Tensor) { base.treeSum(inputs, into: output) }

    func route(_ logits: Tensor, _ rule: RouterRule, into experts: Tensor, weights: Tensor) {
        base.route(logits, rule, into: experts, weights: weights)
    }

    func combine(
        _ rows: Tensor, slots: Tensor, weights: Tensor, parts: Tensor, into output: Tensor
    ) {
        base.combine(rows, slots: slots, weights: weights, parts: parts, into: output)
    }

    func chunkMaxima(_ values: Tensor, into maxima: Tensor) {
        base.chunkMaxima(values, into: maxima)
    }

    func weigh(
        _ logits: Tensor, highest: Float, temperature: Float, least: Float, into weights: Tensor,
        sums: Tensor
    ) {
        base.weigh(
            logits, highest: highest, temperature: temperature, least: least, into: weights,
            sums: sums)
    }

    func chunkSums(_ weights: Tensor, atLeast least: Float, into sums: Tensor) {
        base.chunkSums(weights, atLeast: least, into: sums)
    }
}
