// The reference's cache and attention: a softmax as the textbook has it, in float64, over whole
// rows. Backends walk tiles and keep running maxima, so they come near it, not to its bits.

import Glibc

extension KeyValueBlocks {
    /// Where the key or value of one slot lies: its panel, counted in bytes from the cache's
    /// start, and its element in the panel.
    fileprivate func place(
        slot: Int, head: Int, dimension: Int, isValue: Bool
    ) -> UnsafeMutableRawPointer {
        let (block, offset) = slot.quotientAndRemainder(dividingBy: blockSize)
        let (tile, token) = offset.quotientAndRemainder(dividingBy: Self.tileTokens)
        let start = storage.base + byteOffset + block * blockStride + head * headBytes
        if isValue {
            let panel = tile * ((valueDimension + 15) / 16) + dimension / 16
            let element = PackedWeight.elementOffset(
                lane: dimension % 16, input: token, dtype: dtype)
            return start + keyBytes + (panel * 256 + element) * dtype.bytes
        }
        let element = PackedWeight.elementOffset(lane: token, input: dimension, dtype: dtype)
        return start + (tile * Self.tileTokens * headDimension + element) * dtype.bytes
    }

    /// Where the scale of one slot's keys or values lies.
    fileprivate func scale(
        slot: Int, head: Int, isValue: Bool
    ) -> UnsafeMutablePointer<Float> {
        let (block, offset) = slot.quotientAndRemainder(dividingBy: blockSize)
        let start = storage.base + byteOffset + block * blockStride + head * headBytes
        return (start + scaleOffset).assumingMemoryBound(to: Float.self)
            + (isValue ? blockSize : 0) + offset
    }

    /// Writes a token's keys or values of one head as integers, and their scale.
    fileprivate func storeScaled(
        _ elements: UnsafeBufferPointer<Float>, slot: Int, head: Int, isValue: Bool
    ) {
        let hasNaN = elements.contains { $0.isNaN }
        let largest = hasNaN ? .nan : elements.reduce(0) { max($0, abs($1)) }
        let scale = largest / 127
        self.scale(slot: slot, head: head, isValue: isValue).pointee = scale
        for (dimension, element) in elements.enumerated() {
            let quotient = scale == 0 ? 0 : element / scale
            let bounded = quotient.isNaN ? 0 : max(-127, min(127, quotient))
            place(slot: slot, head: head, dimension: dimension, isValue: isValue).storeBytes(
                of: Int8(bounded.rounded(.toNearestOrEven)), as: Int8.self)
        }
    }

    /// One number of the cache.
    fileprivate func element(slot: Int, head: Int, dimension: Int, isValue: Bool) -> Double {
        let stored = dtype.load(
            place(slot: slot, head: head, dimension: dimension, isValue: isValue))
        guard dtype == .int8 else { return Double(stored) }
        return Double(stored) * Double(scale(slot: slot, head: head, isValue: isValue).pointee)
    }
}

extension ReferenceBackend {
    /// Writes element by element.
    public func store(keys: Tensor, values: Tensor, slots: Tensor, into cache: KeyValueBlocks) {
        OpChecks.store(keys: keys, values: values, slots: slots, into: cache)
        for row in 0..<keys.shape[0] {
            for head in 0..<cache.heads {
                for (source, isValue) in [(keys, false), (values, true)] {
                    let elements = UnsafeBufferPointer(
                        start: source.floats(row, head), count: source.shape[2])
                    store(elements, slots.integer(row), head, isValue: isValue, into: cache)
                }
            }
        }
    }

    private func store(
        _ elements: UnsafeBufferPointer<Float>, _ slot: Int, _ head: Int, isValue: Bool,
        into cache: KeyValueBlocks
    ) {
        guard cache.dtype != .int8 else {
            return cache.storeScaled(elements, slot: slot, head: head, isValue: isValue)
        }
        for (dimension, element) in elements.enumerated() {
            cache.dtype.store(
                element,
                to: cache.place(slot: slot, head: head, dimension: dimension, isValue: isValue))
        }
    }

    /// A softmax over all positions that the query sees, in float64.
    public func attend(
        _ queries: Tensor, cache: KeyValueBlocks, batch: AttentionBatch, _ rule: AttentionRule,
        into output: Tensor
    ) {
        OpChecks.attend(queries, cache: cache, batch: batch, rule, into: output)
        let group = queries.shape[1] / cache.heads
        for index in 0..<batch.spans.shape[0] {
            let span = batch.span(index)
            for row in 0..<span.rows {
                let slots = rule.seen(from: span.position + row).map {
                    batch.blocks.integer(span.firstBlock + $0 / cache.blockSize) * cache.blockSize
                        + $0 % cache.blockSize
                }
                for head in 0..<queries.shape[1] {
                    attend(
                        queries.floats(span.firstRow + row, head), cache, slots,
                        head: head / group, rule, sink: rule.sinks.map { $0.floats(0)[head] },
                        into: output.floats(span.firstRow + row, head))
                }
            }
        }
    }

    private func attend(
        _ query: UnsafePointer<Float>, _ cache: KeyValueBlocks, _ slots: [Int], head: Int,
        _ rule: AttentionRule, sink: Float?, into output: UnsafeMutablePointer<Float>
    ) {
        func element(_ slot: Int, _ dimension: Int, isValue: Bool) -> Double {
            cache.element(slot: slot, head: head, dimension: dimension, isValue: isValue)
        }
        let scaled = scaled(query, rule, cache)
        let scores = slots.map { slot in
            let score = scaled.indices.reduce(0.0) {
                $0 + scaled[$1] * element(slot, $1, isValue: false)
            }
            guard let cap = rule.softCap.map(Double.init) else { return score }
            return cap * tanh(score / cap)
        }
        let sinkScore = sink.map(Double.init) ?? -.infinity
        let largest = scores.reduce(sinkScore, max)
        let weights = scores.map { exp($0 - largest) }
        let sum = weights.reduce(exp(sinkScore - largest), +)
        for dimension in 0..<cache.valueDimension {
            let mixed = zip(weights, slots).reduce(0.0) {
                $0 + $1.0 * element($1.1, dimension, isValue: true)
            }
            output[dimension] = Float(mixed / sum)
        }
    }

    /// A query times the rule's scale. Where it is rounded, that is done to logarithms to base 2,
    /// unless they are to be capped.
    private func scaled(
        _ query: UnsafePointer<Float>, _ rule: AttentionRule, _ cache: KeyValueBlocks
    ) -> [Double] {
        let elements = UnsafeBufferPointer(start: query, count: cache.headDimension)
        guard precision.roundsAttention(over: cache.dtype, sumOrder) else {
            return elements.map { Double($0) * Double(rule.scale) }
        }
        let unit = rule.softCap == nil ? Float(M_LOG2E) : 1
        return elements.map { Double(BFloat16($0 * (rule.scale * unit)).float) / Double(unit) }
    }
}
