// Inputs of products by AMX tiles, as tiles are loaded: [block][chunk][row][64], 64 bytes or 32
// numbers in bfloat16. Rows are taken in blocks of up to 32, nearly equal; each segment begins a
// chunk, and its last is filled up with zeros. Scales and what zero points take away lie as
// [block][segment][row]. Of weights in bfloat16 a segment is a part. The products are in
// linear_amx.h.

#pragma once

#include "linear.h"

// Bytes of a tile's row, rows of a tile and of a block.
enum { CHUNK = 64, TILE_HEIGHT = 16, BLOCK_ROWS = 32 };

// How many rows pay for tiles: with whole numbers, and with rounded ones.
enum { ROWS_FOR_TILES = 12, ROUNDED_ROWS_FOR_TILES = 5 };

// Chunks of the longest segment of 4 bits: two runs of them unfolded wait in the first cache.
enum { UNFOLDED_CHUNKS = 4 };

// Panels of a work item, which stay in the second cache from block to block.
enum { ITEM_PANELS = 16, ITEM_BYTES = 1 << 19 };

ALWAYS_INLINE int uses_tiles(int32_t type, int64_t rows, int64_t group) {
    if (type == TERN_BFLOAT16_CHAINS) return rows >= ROUNDED_ROWS_FOR_TILES;
    return is_quantized(type) && rows >= ROWS_FOR_TILES && group >= CHUNK
        && (type == TERN_CHANNEL_INT8 || group <= UNFOLDED_CHUNKS * CHUNK);
}

ALWAYS_INLINE tiling blocks_of(int64_t rows) {
    return (tiling){rows, most(1, quotient_up(rows, BLOCK_ROWS))};
}

// Inputs of a chunk.
ALWAYS_INLINE int64_t chunk_inputs(int32_t type) {
    return type == TERN_BFLOAT16_CHAINS ? STEP_INPUTS : CHUNK;
}

// Chunks of a row of inputs.
ALWAYS_INLINE int64_t chunk_count(
    const int64_t *part_ends, int64_t parts, int64_t group, int32_t type) {
    int64_t chunks = 0;
    FOR_EACH_SEGMENT(k, end, part_ends, parts, group) {
        chunks += quotient_up(end - k, chunk_inputs(type));
    }
    return chunks;
}

static int64_t input_row_bytes_amx(
    int32_t type, const int64_t *part_ends, int64_t parts, int64_t group) {
    const int64_t words = input_row_bytes(type, part_ends, parts, group);
    if (!uses_tiles(type, INT64_MAX, group)) return words;
    return most(words, chunk_count(part_ends, parts, group, type) * CHUNK);
}

// The bytes of a segment of a row, to the end of its last chunk, and their sum. Chunks of the row
// are `stride` apart.
ALWAYS_INLINE int32_t quantize_chunks(
    const float *from, int64_t count, input_steps steps, int8_t *to, int64_t stride) {
    ints total = {0};
    for (int64_t first = 0; first < count; first += CHUNK, to += stride)
        UNROLL for (int64_t i = 0; i < CHUNK; i += 16) {
            const ints q = quantized16(from + first + i, most(0, count - first - i), steps);
            total += q;
            const byte16 bytes = __builtin_convertvector(q, byte16);
            memcpy(to + i, &bytes, sizeof bytes);
        }
    return __builtin_reduce_add(total);
}

static void quantize_row_amx(
    const tern_pack_input_args *a, const float *from, int8_t *to, float *scales, int32_t *sums,
    int64_t rows) {
    const int64_t origin = a->part_ends[0];
    FOR_EACH_SEGMENT(k, end, a->part_ends, a->parts, a->group) {
        const input_steps steps = steps_of(from + k - origin, end - k, a->input_stride);
        *scales = steps.scale;
        // 128 is the zero point of 8 bits; of 4 bits it is taken away in unfolding.
        *sums = 128 * quantize_chunks(from + k - origin, end - k, steps, to, rows * CHUNK);
        scales += rows;
        sums += rows;
        to += quotient_up(end - k, CHUNK) * rows * CHUNK;
    }
}

// One row, rounded.
static void round_row_amx(
    const tern_pack_input_args *a, const float *from, int8_t *to, int64_t rows) {
    const int64_t origin = a->part_ends[0];
    FOR_EACH_SEGMENT(k, end, a->part_ends, a->parts, a->group) {
        for (int64_t i = k; i < end; i += STEP_INPUTS, to += rows * CHUNK)
            UNROLL for (int half = 0; half < 2; half++) {
                const int64_t first = i + half * 16;
                const v16 inputs = load_lanes(from + first - origin, most(0, end - first));
                store_elements((char *)to + half * 32, inputs, TERN_BFLOAT16);
            }
    }
}

static void lay_input_amx(tern_pack_input_args *a, tern_share share) {
    const tiling blocks = blocks_of(a->rows);
    const int64_t segments = segment_count(a->part_ends, a->parts, a->group);
    const int64_t row_bytes = chunk_count(a->part_ends, a->parts, a->group, a->type) * CHUNK;
    for (claims work = claims_of(share, a->rows); claim(&work);) {
        const int64_t row = work.item;
        const int64_t block = tile_of(blocks, row), start = tile_start(blocks, block);
        const int64_t rows = tile_start(blocks, block + 1) - start;
        const int64_t first = start * segments + row - start;
        const float *from = a->input + row * a->input_stride;
        int8_t *to = (int8_t *)a->packed + start * row_bytes + (row - start) * CHUNK;
        if (a->type == TERN_BFLOAT16_CHAINS)
            round_row_amx(a, from, to, rows);
        else
            quantize_row_amx(a, from, to, a->scales + first, a->sums + first, rows);
    }
}

static void quantize_input_amx(void *arguments, tern_share share) {
    tern_pack_input_args *a = arguments;
    if (uses_tiles(a->type, a->rows, a->group)) lay_input_amx(a, share);
    else quantize_input(arguments, share);
}

static void round_input_amx(void *arguments, tern_share share) {
    tern_pack_input_args *a = arguments;
    if (uses_tiles(a->type, a->rows, a->group)) lay_input_amx(a, share);
    else round_input(arguments, share);
}
