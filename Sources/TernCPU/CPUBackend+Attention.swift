// The cache of keys and values, and attention over it. Workers share tokens when storing, and
// (sequence, cache head, some queries) when attending, or splits of a long sequence.

import CTernKernels
import TernTensor

extension CPUBackend {
    /// Writes keys and values into their slots.
    public func store(keys: Tensor, values: Tensor, slots: Tensor, into cache: KeyValueBlocks) {
        OpChecks.store(keys: keys, values: values, slots: slots, into: cache)
        var arguments = tern_store_args(
            keys: keys.floats, values: values.floats, key_row: keys.stride(0),
            key_head: keys.stride(1), value_row: values.stride(0), value_head: values.stride(1),
            slots: slots.integers, rows: Int64(keys.shape[0]), cache: tern_cache(cache))
        let elements = keys.shape.count + values.shape.count
        pool.run(table.store, &arguments, alone: elements < Self.elementsAlone)
    }

    /// Attends with a running maximum over stretches of 64 keys.
    ///
    /// Cost: keys and values come from memory once for up to 96 queries of a cache head, and none
    /// that lie in tiles outside the windows of all of them. A sequence whose queries are few and
    /// whose keys are more than a worker's share is divided among all, as far as there is room for
    /// what its splits sum up to.
    public func attend(
        _ queries: Tensor, cache: KeyValueBlocks, batch: AttentionBatch, _ rule: AttentionRule,
        into output: Tensor
    ) {
        OpChecks.attend(queries, cache: cache, batch: batch, rule, into: output)
        precondition(
            cache.headDimension <= Int(TERN_MAX_HEAD_DIMENSION)
                && cache.valueDimension <= Int(TERN_MAX_VALUE_DIMENSION),
            "attend: keys of \(cache.headDimension), values of \(cache.valueDimension), at most "
                + "\(TERN_MAX_HEAD_DIMENSION) and \(TERN_MAX_VALUE_DIMENSION)")
        var arguments = tern_attend_args(
            queries: queries.floats, output: output.floats,
            query_row: queries.stride(0), query_head: queries.stride(1),
            output_row: output.stride(0), output_head: output.stride(1),
            group: Int64(queries.shape[1] / cache.heads), spans: batch.spans.integers,
            span_count: Int64(batch.spans.shape[0]), block_table: batch.blocks.integers,
            scale: rule.scale, window: Int64(rule.window ?? .max), soft_cap: rule.softCap ?? 0,
            sinks: rule.sinks?.floats, workers: Int32(pool.workers),
            slots: splits.base.assumingMemoryBound(to: CChar.self),
            slot_bytes: Int64(Self.splitBytes),
            ended: (splits.base + Self.splitBytes).assumingMemoryBound(to: Int32.self),
            ended_count: Int64((splits.bytes - Self.splitBytes) / MemoryLayout<Int32>.size),
            cache: tern_cache(cache),
            type: precision.roundsAttention(over: cache.dtype, sumOrder)
                ? Int32(TERN_BFLOAT16_PAIRS) : cache.dtype.kernelType)
        pool.run(table.attend, &arguments)
    }
}

extension tern_cache {
    /// One layer's blocks as kernels see them.
    init(_ cache: KeyValueBlocks) {
        self.init(
            blocks: (cache.storage.base + cache.byteOffset).assumingMemoryBound(to: CChar.self),
            block_bytes: Int64(cache.blockStride), head_bytes: Int64(cache.headBytes),
            key_bytes: Int64(cache.keyBytes), scale_offset: Int64(cache.scaleOffset),
            block_size: Int64(cache.blockSize),
            heads: Int64(cache.heads), dimension: Int64(cache.headDimension),
            value_dimension: Int64(cache.valueDimension), type: cache.dtype.kernelType)
    }
}
