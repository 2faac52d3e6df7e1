// Products with weights of 8 or 4 bits by AMX, whose tiles hold sixteen rows of 64 bytes: one of
// inputs times one of a panel adds 64 products to each of 16 x 16 whole numbers. Words of a panel
// lie as tiles want them; those of 4 bits are unfolded on the way. Whole numbers are exact in any
// order, and what becomes of them is in the order of quantized.h and linear.h: bits are those of
// every set. Few rows are left to the set that this one is made of.
//
// Rows are taken in blocks of up to 32, nearly equal, by two tiles of inputs that may overlap.
// Inputs lie as tiles are loaded, [block][chunk][row][64]: each segment begins a chunk, and its
// last is filled up with zeros. Scales and what zero points take away lie as [block][segment][row].
//
// Source: Intel's Architecture Instruction Set Extensions Programming Reference, TDPBSUD, TDPBSSD.

#pragma once

#include <immintrin.h>

#pragma clang attribute push( \
    __attribute__((target( \
        "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c," \
        "amx-tile,amx-int8"))), \
    apply_to = function)

#include "inputs_amx.h"

// A segment, as products walk them; a part without inputs has one that is empty.
typedef struct {
    int64_t part, index;  // of all parts; of all segments that are not empty
    int64_t first, end;
    int starts_part, ends_part;
} segment_place;

ALWAYS_INLINE int next_segment(const tern_linear_args *a, segment_place *s) {
    s->first = s->end;
    s->starts_part = s->end == a->part_ends[s->part + 1];
    if (s->starts_part) {
        if (s->part + 1 == a->parts) return 0;
        s->part++;
    }
    const int64_t part_end = a->part_ends[s->part + 1];
    s->end = segment_end(s->first, part_end, a->group);
    s->index += s->end > s->first;
    s->ends_part = s->end == part_end;
    return 1;
}

ALWAYS_INLINE segment_place before_segments(const tern_linear_args *a) {
    return (segment_place){.part = -1, .index = -1, .end = a->part_ends[0]};
}

// A block of rows by one or two panels, on its way.
typedef struct {
    const tern_linear_args *a;
    const int8_t *inputs;
    const float *scales;      // [segment][rows]
    const int32_t *taken;
    int64_t rows, height;     // of the block; of a tile
    const char *weight;       // of the first panel
    ints counts[4][TILE_HEIGHT];
    v16 sums[4][TILE_HEIGHT];  // of a part, by tile: [row tile][panel]
    v16 tree[TREE_LEVELS][4][TILE_HEIGHT];
    uint8_t unfolded[2][2][UNFOLDED_CHUNKS][TILE_HEIGHT][CHUNK] __attribute__((aligned(64)));
} tile_block;

// A panel's 64 inputs from `k` on: where they lie, or a copy where the panel has no more than some
// of them. What is beyond a segment meets zeros.
ALWAYS_INLINE const void *panel_chunk(const char *panel, int64_t stored, int64_t k, void *copy) {
    const int64_t lines = quotient_up(stored, 4) - k / 4;
    if (lines >= TILE_HEIGHT) return panel + k * 16;
    memcpy(copy, panel + k * 16, (size_t)lines * CHUNK);
    return copy;
}

// Some of the lines of a segment's 4 bits of one panel, as signed bytes, the zero points taken
// away.
ALWAYS_INLINE void unfold(
    tile_block *b, const segment_place *s, int64_t first, int64_t end, const int panel) {
    const tern_linear_args *a = b->a;
    typedef uint8_t bytes64 __attribute__((vector_size(64)));
    end = least(end, quotient_up(s->end - s->first, 8));
    if (first >= end) return;
    const char *weight = b->weight + panel * a->panel_bytes;
    const int64_t groups = quotient_up(a->stored_inputs, a->group);
    const ints zero = group_zeros(
        weight, a->stored_inputs, groups, s->first / a->group, TERN_GROUPED_INT4);
    const bytes64 zeros = (bytes64)(zero * 0x01010101);
    const char *from = weight + s->first * 8 + first * CHUNK;
    uint8_t *to = b->unfolded[s->index & 1][panel][0][0] + first * 2 * CHUNK;
    for (; first < end; first++, from += CHUNK, to += 2 * CHUNK) {
        const words two = (words)load16(from);
        const bytes64 low = (bytes64)(two & 0x0F0F0F0Fu) - zeros;
        const bytes64 high = (bytes64)(two >> 4 & 0x0F0F0F0Fu) - zeros;
        memcpy(to, &low, sizeof low);
        memcpy(to + CHUNK, &high, sizeof high);
    }
}

// What becomes of the counts of one tile: those of a segment, times both scales, are added to
// `sums`, those of its part, if there are any; and that to what some levels of the tree hold.
typedef struct {
    const float *scales;
    const int32_t *taken;
    v16 scale;
    const v16 *sums;
    const v16 *levels[TREE_LEVELS];
    int terms;
    v16 *to;
} taking;

// As carry_part, which says what levels the sum of a part takes up, and where it goes.
ALWAYS_INLINE void carry_segment(tile_block *b, const segment_place *s, int tile, taking *t) {
    t->sums = s->starts_part ? NULL : b->sums[tile];
    t->to = b->sums[tile];
    t->terms = 0;
    if (!s->ends_part) return;
    const int is_last = s->part == b->a->parts - 1;
    int level = 0;
    for (; s->part >> level & 1 || (is_last && s->part >> level); level++)
        if (s->part >> level & 1) t->levels[t->terms++] = b->tree[level][tile];
    if (!is_last) t->to = b->tree[level][tile];
}

ALWAYS_INLINE void prepare_takings(
    tile_block *b, const segment_place *s, taking *takings, const int row_tiles, const int panels,
    const int32_t type) {
    static const float no_scales[TILE_HEIGHT];
    static const int32_t nothing[TILE_HEIGHT];
    const tern_linear_args *a = b->a;
    const int is_empty = s->first == s->end;
    v16 scales[2] = {splat(0), splat(0)};
    if (!is_empty)
        UNROLL for (int p = 0; p < panels; p++)
            scales[p] = group_scales(
                b->weight + p * a->panel_bytes, a->stored_inputs, s->first / a->group, type);
    UNROLL for (int tile = 0; tile < 4; tile++) {
        if (tile / 2 >= row_tiles || tile % 2 >= panels) continue;
        const int64_t first = s->index * b->rows + (tile / 2 ? b->rows - b->height : 0);
        taking *t = &takings[tile];
        t->scales = is_empty ? no_scales : b->scales + first;
        t->taken = is_empty ? nothing : b->taken + first;
        t->scale = scales[tile % 2];
        carry_segment(b, s, tile, t);
    }
}

ALWAYS_INLINE void take_row(
    ints count, float scale, int32_t taken, v16 weight_scale, const v16 *sums,
    const v16 *const *levels, v16 *to, int64_t r, const int terms, const int starts_part,
    const int32_t type) {
    if (type == TERN_CHANNEL_INT8) count -= splat_word(taken);
    v16 sum = multiply_add(
        __builtin_convertvector(count, v16), splat(scale) * weight_scale,
        starts_part ? splat(0) : sums[r]);
    UNROLL for (int i = 0; i < terms; i++) sum = levels[i][r] + sum;
    to[r] = sum;
}

// What is read of `t` is read once: sums are stored, for all that the compiler knows, into it.
ALWAYS_INLINE void take_rows(
    const ints *counts, const taking *t, int64_t rows, const int terms, const int starts_part,
    const int32_t type) {
    const taking u = *t;
#define TAKE_ROW(R) \
    take_row( \
        counts[R], u.scales[R], u.taken[R], u.scale, u.sums, u.levels, u.to, R, terms, \
        starts_part, type)
    if (rows == TILE_HEIGHT) {
        UNROLL for (int r = 0; r < TILE_HEIGHT; r++) TAKE_ROW(r);
        return;
    }
    for (int64_t r = 0; r < rows; r++) TAKE_ROW(r);
#undef TAKE_ROW
}

ALWAYS_INLINE void take(
    const tile_block *b, const taking *takings, int tile, const int32_t type) {
    const taking *t = &takings[tile];
    const ints *counts = b->counts[tile];
#define TAKE(TERMS) \
    if (t->sums) \
        take_rows(counts, t, b->height, TERMS, 0, type); \
    else \
        take_rows(counts, t, b->height, TERMS, 1, type); \
    break
    switch (t->terms) {
    case 0: TAKE(0);
    case 1: TAKE(1);
    case 2: TAKE(2);
    case 3: TAKE(3);
    default: TAKE(4);
    }
#undef TAKE
}

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
        if (type == TERN_CHANNEL_INT8) \
            _tile_dpbsud(TILE, ROWS, PANEL); \
        else \
            _tile_dpbssd(TILE, ROWS, PANEL); \
    } while (0)

// Where 64 inputs of a panel lie as a tile wants them.
ALWAYS_INLINE const void *tile_weights(
    tile_block *b, const segment_place *s, int64_t chunk, const int panel, const int32_t type) {
    uint8_t (*const lines)[TILE_HEIGHT][CHUNK] = b->unfolded[s->index & 1][panel];
    if (type == TERN_GROUPED_INT4) return lines[chunk];
    const char *weight = b->weight + panel * b->a->panel_bytes;
    const int64_t k = s->first + chunk * CHUNK;
    return panel_chunk(weight, b->a->stored_inputs, k, lines);
}

// Adds up the whole numbers of a segment in tiles 0 to 3.
ALWAYS_INLINE void count_segment(
    tile_block *b, const segment_place *s, const int8_t *x, const meanwhile *m,
    const int row_tiles, const int panels, const int32_t type) {
    _tile_zero(0);
    if (panels > 1) _tile_zero(1);
    if (row_tiles > 1) _tile_zero(2);
    if (row_tiles > 1 && panels > 1) _tile_zero(3);
    const int64_t second = (b->rows - b->height) * CHUNK;
    const int64_t chunks = quotient_up(s->end - s->first, CHUNK);
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

// Tiles to memory, where vectors find them.
ALWAYS_INLINE void store_counts(tile_block *b, const int row_tiles, const int panels) {
    _tile_stored(0, b->counts[0], CHUNK);
    if (panels > 1) _tile_stored(1, b->counts[1], CHUNK);
    if (row_tiles > 1) _tile_stored(2, b->counts[2], CHUNK);
    if (row_tiles > 1 && panels > 1) _tile_stored(3, b->counts[3], CHUNK);
}

// Whole sums to the output, the bias added.
ALWAYS_INLINE void write_block(
    const tile_block *b, int64_t row, int64_t panel, const int row_tiles, const int panels) {
    const tern_linear_args *a = b->a;
    for (int p = 0; p < panels; p++) {
        const int64_t column = a->panel_starts[panel + p] - a->panel_starts[0];
        const int64_t width = a->panel_starts[panel + p + 1] - a->panel_starts[panel + p];
        const v16 bias = a->bias ? load_lanes(a->bias + column, width) : splat(0);
        for (int tile = 0; tile < row_tiles; tile++) {
            float *to = a->output + column
                + (row + (tile ? b->rows - b->height : 0)) * a->output_stride;
            for (int64_t r = 0; r < b->height; r++) {
                v16 sum = b->sums[tile * 2 + p][r];
                if (a->bias) sum += bias;
                store_lanes(to + r * a->output_stride, sum, width);
            }
        }
    }
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
        const int64_t chunks = quotient_up(now.end - now.first, CHUNK);
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

// The forms of tiles: sums and inputs as high as a block's tiles, weights full.
static void configure_tiles(int64_t height) {
    const uint8_t h = (uint8_t)height;
    const tern_tile_form form = {
        .palette = 1,
        .row_bytes = {CHUNK, CHUNK, CHUNK, CHUNK, CHUNK, CHUNK, CHUNK, CHUNK},
        .rows = {h, h, h, h, h, h, TILE_HEIGHT, TILE_HEIGHT},
    };
    _tile_loadconfig(&form);
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

static void linear_amx(void *arguments) {
    tern_linear_args *a = arguments;
    if (!uses_tiles(a->type, a->rows, a->group)) {
        linear(arguments);
        return;
    }
    const tiling blocks = blocks_of(a->rows);
    const int64_t tallest = blocks.shorter_rows + (blocks.longer > 0);
    const int two_tiles = tallest > TILE_HEIGHT;
    const int64_t height = two_tiles ? (tallest + 1) / 2 : tallest;
    const int64_t group = item_panels(a, blocks.count), groups = quotient_up(a->panels, group);
    const int64_t wanted = quotient_up(8 * a->workers, most(groups, 1));
    const int64_t shares = least(blocks.count, wanted);
    const int64_t row_bytes = chunk_count(a->part_ends, a->parts, a->group) * CHUNK;
    tile_block b;
    b.a = a;
    b.height = height;
    configure_tiles(height);
    for (int64_t item; (item = claim(&a->next)) < groups * shares;) {
        const int64_t panel = item / shares * group, share = item % shares;
        const int64_t panels = least(group, a->panels - panel);
        const int64_t begin = share * blocks.count / shares;
        for (int64_t block = begin; block < (share + 1) * blocks.count / shares; block++) {
            const int64_t row = tile_start(blocks, block);
            b.rows = tile_start(blocks, block + 1) - row;
            b.inputs = (const int8_t *)a->input + row * row_bytes;
            b.scales = a->scales + row * a->segments;
            b.taken = a->sums + row * a->segments;
            b.weight = a->weight + panel * a->panel_bytes;
            if (a->type == TERN_CHANNEL_INT8)
                (two_tiles ? block_int8_2 : block_int8_1)(&b, row, panel, panels);
            else
                (two_tiles ? block_int4_2 : block_int4_1)(&b, row, panel, panels);
        }
    }
    _tile_release();
}

#pragma clang attribute pop
