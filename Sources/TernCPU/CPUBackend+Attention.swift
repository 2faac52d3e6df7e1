// The cache of keys and values, and attention over it. Workers share tokens when storing, and
// (sequence, cache head, some queries) when attending.

import CTernKernels
import TernTensor

extension CPUBackend {
    /// Writes keys and values into their slots.
    public func store(_ keysValues: Tensor, slots: Tensor, into cache: KeyValueBlocks) {
        OpChecks.store(keysValues, slots: slots, into: cache)
        var arguments = tern_store_args(
            next: 0, keys_values: keysValues.floats, row: keysValues.stride(0),
            head: keysValues.stride(1), kind: keysValues.stride(2), slots: slots.integers,
            rows: Int64(keysValues.shape[0]), cache: tern_cache(cache))
        pool.run(
            table.store, &arguments, alone: keysValues.shape.count < Self.elementsAlone)
    }

    /// Attends with a running maximum over tiles of 16 keys.
    ///
    /// Cost: keys and values are read once for each 12 queries of a cache head.
    public func attend(
        _ queries: Tensor, cache: KeyValueBlocks, batch: AttentionBatch, scale: Float,
        into output: Tensor
    ) {
        OpChecks.attend(queries, cache: cache, batch: batch, into: output)
        precondition(
            cache.headDimension <= Int(TERN_MAX_HEAD_DIMENSION),
            "attend: head dimension \(cache.headDimension), at most \(TERN_MAX_HEAD_DIMENSION)")
        var arguments = tern_attend_args(
            next: 0, queries: queries.floats, output: output.floats,
            query_row: queries.stride(0), query_head: queries.stride(1),
            output_row: output.stride(0), output_head: output.stride(1),
            group: Int64(queries.shape[1] / cache.heads), spans: batch.spans.integers,
            span_count: Int64(batch.spans.shape[0]), block_table: batch.blocks.integers,
            scale: scale, cache: tern_cache(cache))
        pool.run(table.attend, &arguments)
    }
}

extension tern_cache {
    /// One layer's blocks as kernels see them.
    init(_ cache: KeyValueBlocks) {
        self.init(
            blocks: (cache.storage.base + cache.byteOffset).assumingMemoryBound(to: CChar.self),
            block_bytes: Int64(cache.blockBytes), head_bytes: Int64(cache.headBytes),
            key_bytes: Int64(cache.keyBytes), block_size: Int64(cache.blockSize),
            heads: Int64(cache.heads), dimension: Int64(cache.headDimension),
            type: cache.dtype.kernelType)
    }
}
