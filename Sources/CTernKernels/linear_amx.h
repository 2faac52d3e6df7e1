// Products by AMX, whose tiles hold sixteen rows of 64 bytes: one of inputs times one of a panel
// adds 64 products of whole numbers, or 32 of bfloat16, to each of 16 x 16 sums. Few rows are left
// to the set that this one is made of.
//
// What is multiplied is in quantized_amx.h and rounded_amx.h, how it lies in inputs_amx.h.
//
// Source: Intel's Architecture Instruction Set Extensions Programming Reference, TDPBSUD, TDPBSSD,
// TDPBF16PS.

#pragma once

#include <immintrin.h>

#pragma clang attribute push( \
    __attribute__((target( \
        "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c," \
        "amx-tile,amx-int8,amx-bf16"))), \
    apply_to = function)

#include "inputs_amx.h"
#include "quantized_amx.h"
#include "rounded_amx.h"
#include "takings_amx.h"

// What vectors do while tiles count, after each chunk: take a tile of the counts before, and unfold
// some of the 4 bits after. All at once, between two segments, it is slower with few rows, by a
// tenth with 32; in finer slices, by what their branches cost.
typedef struct {
    const taking *takings;
    const segment_place *next;
    int64_t tiles, lines;  // of each chunk; none where nothing was before, or comes after
} meanwhile;

ALWAYS_INLINE void do_meanwhile(
    tile_block *b, const meanwhile *m, int64_t chunk, const int row_tiles, const int panels,
    const int32_t type) {
    // Of a block's four tiles, in [row tile][panel], those there are.
    const int step = panels == 1 ? 2 : 1;
    const int64_t count = row_tiles * panels;
    for (int64_t i = chunk * m->tiles; i < least(count, (chunk + 1) * m->tiles); i++)
        take(b, m->takings, (int)i * step, type);
    if (type == TERN_GROUPED_INT4)
        UNROLL for (int p = 0; p < panels; p++)
            unfold(b, m->next, chunk * m->lines, (chunk + 1) * m->lines, p);
}

#define ADD_PRODUCTS(TILE, ROWS, PANEL) \
    do { \
        if (type == TERN_BFLOAT16_CHAINS) \
            _tile_dpbf16ps(TILE, ROWS, PANEL); \
        else if (type == TERN_CHANNEL_INT8) \
            _tile_dpbsud(TILE, ROWS, PANEL); \
        else \
            _tile_dpbssd(TILE, ROWS, PANEL); \
    } while (0)

ALWAYS_INLINE const void *tile_weights(
    tile_block *b, const segment_place *s, int64_t chunk, const int panel, const int32_t type) {
    return type == TERN_BFLOAT16_CHAINS ? rounded_weights(b, s, chunk, panel)
                                        : quantized_weights(b, s, chunk, panel, type);
}

// Adds up the products of a segment in tiles 0 to 3.
ALWAYS_INLINE void count_segment(
    tile_block *b, const segment_place *s, const int8_t *x, const meanwhile *m,
    const int row_tiles, const int panels, const int32_t type) {
    _tile_zero(0);
    if (panels > 1) _tile_zero(1);
    if (row_tiles > 1) _tile_zero(2);
    if (row_tiles > 1 && panels > 1) _tile_zero(3);
    const int64_t second = (b->rows - b->height) * CHUNK;
    const int64_t chunks = quotient_up(s->end - s->first, chunk_inputs(type));
    for (int64_t chunk = 0; chunk < chunks; chunk++, x += b->rows * CHUNK) {
        _tile_loadd(4, x, CHUNK);
        _tile_loadd(6, tile_weights(b, s, chunk, 0, type), CHUNK);
        ADD_PRODUCTS(0, 4, 6);
        if (panels > 1) {
            _tile_loadd(7, tile_weights(b, s, chunk, 1, type), CHUNK);
            ADD_PRODUCTS(1, 4, 7);
        }
        if (row_tiles > 1) {
            _tile_loadd(5, x + second, CHUNK);
            ADD_PRODUCTS(2, 5, 6);
            if (panels > 1) ADD_PRODUCTS(3, 5, 7);
        }
        do_meanwhile(b, m, chunk, row_tiles, panels, type);
    }
    if (chunks == 0) do_meanwhile(b, m, 0, row_tiles, panels, type);
}

// One block by one or two panels, over all segments. While tiles count a segment, vectors take the
// one before and unfold the one after.
ALWAYS_INLINE void block_product(
    tile_block *b, int64_t row, int64_t panel, const int row_tiles, const int panels,
    const int32_t type) {
    const tern_linear_args *a = b->a;
    const int8_t *x = b->inputs;
    taking takings[4];
    segment_place now = before_segments(a), next = now;
    next_segment(a, &next);
    if (type == TERN_GROUPED_INT4)
        UNROLL for (int p = 0; p < panels; p++) unfold(b, &next, 0, INT64_MAX, p);
    for (int is_first = 1, is_more = 1; is_more; is_first = 0) {
        now = next;
        is_more = next_segment(a, &next);
        const int64_t chunks = quotient_up(now.end - now.first, chunk_inputs(type));
        const int64_t rounds = most(chunks, 1);
        const meanwhile m = {
            .takings = takings,
            .next = &next,
            .tiles = is_first ? 0 : quotient_up(row_tiles * panels, rounds),
            .lines = is_more ? quotient_up(quotient_up(next.end - next.first, 8), rounds) : 0,
        };
        count_segment(b, &now, x, &m, row_tiles, panels, type);
        x += chunks * b->rows * CHUNK;
        store_counts(b, row_tiles, panels);
        prepare_takings(b, &now, takings, row_tiles, panels, type);
    }
    const meanwhile last = {.takings = takings, .next = &next, .tiles = 4};
    do_meanwhile(b, &last, 0, row_tiles, panels, type);
    write_block(b, row, panel, row_tiles, panels);
}

#define BLOCK_PRODUCT(ROW_TILES, NAME, TYPE) \
    static __attribute__((noinline)) void block_##NAME##_##ROW_TILES( \
        tile_block *b, int64_t row, int64_t panel, int64_t panels) { \
        const int64_t panel_bytes = b->a->panel_bytes; \
        for (; panels >= 2; panels -= 2, panel += 2, b->weight += 2 * panel_bytes) \
            block_product(b, row, panel, ROW_TILES, 2, TYPE); \
        if (panels) block_product(b, row, panel, ROW_TILES, 1, TYPE); \
    }
BLOCK_PRODUCT(1, int8, TERN_CHANNEL_INT8)
BLOCK_PRODUCT(2, int8, TERN_CHANNEL_INT8)
BLOCK_PRODUCT(1, int4, TERN_GROUPED_INT4)
BLOCK_PRODUCT(2, int4, TERN_GROUPED_INT4)
BLOCK_PRODUCT(1, bfloat16, TERN_BFLOAT16_CHAINS)
BLOCK_PRODUCT(2, bfloat16, TERN_BFLOAT16_CHAINS)

typedef void (*block_function)(tile_block *, int64_t, int64_t, int64_t);

static block_function block_function_of(int32_t type, int two_tiles) {
    switch (type) {
    case TERN_CHANNEL_INT8: return two_tiles ? block_int8_2 : block_int8_1;
    case TERN_GROUPED_INT4: return two_tiles ? block_int4_2 : block_int4_1;
    default: return two_tiles ? block_bfloat16_2 : block_bfloat16_1;
    }
}

// Panels of a work item: few enough for the second cache and for all workers to have some.
ALWAYS_INLINE int64_t item_panels(const tern_linear_args *a, int64_t blocks) {
    int64_t panels = ITEM_PANELS;
    while (panels > 2
           && (panels * a->panel_bytes > ITEM_BYTES
               || quotient_up(a->panels, panels) * blocks < 4 * a->workers))
        panels /= 2;
    return panels;
}

// As LEAST_TILES: tiles are so fast that reading weights for fewer would be what takes the time.
enum { LEAST_BLOCKS = 8 };

static void linear_amx(void *arguments, tern_share share) {
    tern_linear_args *a = arguments;
    if (!uses_tiles(a->type, a->rows, a->group)) {
        linear(arguments, share);
        return;
    }
    const tiling blocks = blocks_of(a->rows);
    const int64_t tallest = tile_height(blocks);
    const int two_tiles = tallest > TILE_HEIGHT;
    const int64_t height = two_tiles ? (tallest + 1) / 2 : tallest;
    const int64_t group = item_panels(a, blocks.count), groups = quotient_up(a->panels, group);
    const int64_t shares = row_shares(a, share, blocks.count, groups, LEAST_BLOCKS);
    const int64_t row_bytes = chunk_count(a->part_ends, a->parts, a->group, a->type) * CHUNK;
    tile_block b;
    b.a = a;
    b.height = height;
    configure_tiles(height);
    for (claims work = claims_of(share, groups * shares); claim(&work);) {
        const int64_t item = work.item;
        const int64_t panel = item % groups * group, part = item / groups;
        const int64_t panels = least(group, a->panels - panel);
        const int64_t begin = part * blocks.count / shares;
        for (int64_t block = begin; block < (part + 1) * blocks.count / shares; block++) {
            const int64_t row = tile_start(blocks, block);
            b.rows = tile_start(blocks, block + 1) - row;
            b.inputs = (const int8_t *)a->input + row * row_bytes;
            b.scales = a->scales + row * a->segments;
            b.taken = a->sums + row * a->segments;
            b.weight = a->weight + panel * a->panel_bytes;
            block_function_of(a->type, two_tiles)(&b, row, panel, panels);
        }
    }
    _tile_release();
}

#pragma clang attribute pop
