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
        let start = storage.base + byteOffset + block * blockBytes + head * headBytes
        if isValue {
            let panel = tile * ((headDimension + 15) / 16) + dimension / 16
            let element = PackedWeight.elementOffset(
                lane: dimension % 16, input: token, dtype: dtype)
            return start + keyBytes + (panel * 256 + element) * dtype.bytes
        }
        let element = PackedWeight.elementOffset(lane: token, input: dimension, dtype: dtype)
        return start + (tile * Self.tileTokens * headDimension + element) * dtype.bytes
    }
}

extension ReferenceBackend {
    /// Writes element by element.
    public func store(_ keysValues: Tensor, slots: Tensor, into cache: KeyValueBlocks) {
        OpChecks.store(keysValues, slots: slots, into: cache)
        for row in 0..<keysValues.shape[0] {
            for head in 0..<cache.heads {
                for kind in 0..<2 {
                    let source = keysValues.third(kind).floats(row, head)
                    for dimension in 0..<cache.headDimension {
                        let place = cache.place(
                            slot: slots.integer(row), head: head, dimension: dimension,
                            isValue: kind == 1)
                        cache.dtype.store(source[dimension], to: place)
                    }
                }
            }
        }
    }

    /// A softmax over all positions up to the query's, in float64.
    public func attend(
        _ queries: Tensor, cache: KeyValueBlocks, batch: AttentionBatch, scale: Float,
        into output: Tensor
    ) {
        OpChecks.attend(queries, cache: cache, batch: batch, into: output)
        let group = queries.shape[1] / cache.heads
        for index in 0..<batch.spans.shape[0] {
            let span = batch.span(index)
            for row in 0..<span.rows {
                let slots = (0...span.position + row).map {
                    batch.blocks.integer(span.firstBlock + $0 / cache.blockSize) * cache.blockSize
                        + $0 % cache.blockSize
                }
                for head in 0..<queries.shape[1] {
                    attend(
                        queries.floats(span.firstRow + row, head), cache, slots,
                        head: head / group, scale: scale,
                        into: output.floats(span.firstRow + row, head))
                }
            }
        }
    }

    private func attend(
        _ query: UnsafePointer<Float>, _ cache: KeyValueBlocks, _ slots: [Int], head: Int,
        scale: Float, into output: UnsafeMutablePointer<Float>
    ) {
        func element(_ slot: Int, _ dimension: Int, isValue: Bool) -> Double {
            Double(
                cache.dtype.load(
                    cache.place(slot: slot, head: head, dimension: dimension, isValue: isValue)))
        }
        let scores = slots.map { slot in
            (0..<cache.headDimension).reduce(0.0) {
                $0 + Double(query[$1]) * element(slot, $1, isValue: false)
            } * Double(scale)
        }
        let largest = scores.reduce(-Double.infinity, max)
        let weights = scores.map { exp($0 - largest) }
        let sum = weights.reduce(0, +)
        for dimension in 0..<cache.headDimension {
            let mixed = zip(weights, slots).reduce(0.0) {
                $0 + $1.0 * element($1.1, dimension, isValue: true)
            }
            output[dimension] = Float(mixed / sum)
        }
    }
}
