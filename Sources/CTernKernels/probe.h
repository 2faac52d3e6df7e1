// The machine's limits as the kernels could reach them: reading memory in one stream, in four or in
// eight (which is fastest depends on the processor), and multiply-adds in registers that wait for
// nothing. Units that only some processors have are probed by probe_x86.c.

#pragma once

#include "claims.h"
#include "vector.h"

// Multiply-adds in flight: enough to hide their latency, few enough for the registers.
enum { PROBE_SUMS = TILE_SUMS < 12 ? TILE_SUMS : 12, PROBE_STEPS = 4096 };
enum { PROBE_OPERATIONS = PROBE_SUMS * PROBE_STEPS * 16 };

ALWAYS_INLINE words read_chunk(const char *chunk, int64_t bytes, const int streams) {
    const int64_t stream = bytes / streams;
    words sum = {0};
    for (int64_t i = 0; i < stream; i += 64)
        UNROLL for (int s = 0; s < streams; s++) {
            const char *from = chunk + s * stream + i;
            fetch_stream(from + TERN_FETCH_AHEAD);
            sum ^= (words)load16(from);
        }
    return sum;
}

static void probe_read(void *arguments, tern_share share) {
    tern_probe_args *a = arguments;
    words sum = {0};
    for (claims work = claims_of(share, a->chunks); claim(&work);) {
        const int64_t item = work.item;
        const char *chunk = a->memory + item * a->chunk_bytes;
        switch (a->streams) {
        case 1: sum ^= read_chunk(chunk, a->chunk_bytes, 1); break;
        case 4: sum ^= read_chunk(chunk, a->chunk_bytes, 4); break;
        default: sum ^= read_chunk(chunk, a->chunk_bytes, 8);
        }
    }
    // Kept, so that the reads are not optimized away; a race here harms nobody.
    float found = 0;
    for (int lane = 0; lane < 16; lane++) found += (float)sum[lane];
    __atomic_store(&a->sink, &found, __ATOMIC_RELAXED);
}

static void probe_multiply_add(void *arguments, tern_share share) {
    tern_probe_args *a = arguments;
    v16 sums[PROBE_SUMS];
    UNROLL for (int i = 0; i < PROBE_SUMS; i++) sums[i] = splat((float)i);
    for (claims work = claims_of(share, a->rounds); claim(&work);)
        for (int step = 0; step < PROBE_STEPS; step++)
            UNROLL for (int i = 0; i < PROBE_SUMS; i++)
                sums[i] = multiply_add(sums[i], splat(0.999f), splat(0.5f));
    float found = 0;
    UNROLL for (int i = 0; i < PROBE_SUMS; i++) found += lane_sum(sums[i]);
    __atomic_store(&a->sink, &found, __ATOMIC_RELAXED);
}
