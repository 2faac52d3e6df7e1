// Products with packed weights. A work item is a group of panels by a share of the row tiles; the
// group is read from memory once for the share, and from the caches for each tile. Partial sums of
// parts are added as a binary counter carries, which is the fixed tree of PackedWeight.inputParts.

#pragma once

#include "chains.h"
#include "linear_groups.h"
#include "pairs.h"
#include "quantized.h"
#include "side_by_side.h"
#include "tile.h"

// Carries of up to TERN_MAX_PARTS parts.
enum { TREE_LEVELS = 5 };

// Some inputs of the rows of one tile.
typedef struct {
    int64_t row, rows, first, end;
} input_chunk;

// Claims of inputs that are to be laid side by side.
ALWAYS_INLINE claims input_claims(const tern_pack_input_args *a, tern_share share) {
    const tiling tiles = tiles_of(a->rows, a->workers);
    return claims_of(share, tiles.count * quotient_up(a->inputs, INPUT_CHUNK));
}

ALWAYS_INLINE input_chunk inputs_at(const tern_pack_input_args *a, int64_t item) {
    const tiling tiles = tiles_of(a->rows, a->workers);
    const int64_t chunks = quotient_up(a->inputs, INPUT_CHUNK);
    const int64_t row = tile_start(tiles, item / chunks);
    const int64_t first = item % chunks * INPUT_CHUNK;
    return (input_chunk){
        .row = row, .rows = tile_start(tiles, item / chunks + 1) - row, .first = first,
        .end = least(first + INPUT_CHUNK, a->inputs)};
}

static void pack_input(void *arguments, tern_share share) {
    const tern_pack_input_args *a = arguments;
    for (claims work = input_claims(a, share); claim(&work);) {
        const input_chunk c = inputs_at(a, work.item);
        lay_side_by_side(
            a->input + c.row * a->input_stride + c.first, a->input_stride, c.rows, c.end - c.first,
            (float *)a->packed + c.row * a->inputs + c.first * c.rows);
    }
}

ALWAYS_INLINE void round_chunks(
    const tern_pack_input_args *a, tern_share share, const int32_t type) {
    for (claims work = input_claims(a, share); claim(&work);) {
        const input_chunk c = inputs_at(a, work.item);
        round_side_by_side(
            a->input + c.row * a->input_stride + c.first, a->input_stride, c.rows, c.end - c.first,
            (float *)a->packed + c.row * rounded_words(a->inputs, type)
                + rounded_words(c.first, type) * c.rows, type);
    }
}

static void round_input(void *arguments, tern_share share) {
    const tern_pack_input_args *a = arguments;
    if (a->type == TERN_BFLOAT16_PAIRS) round_chunks(a, share, TERN_BFLOAT16_PAIRS);
    else round_chunks(a, share, TERN_BFLOAT16_CHAINS);
}

// Bytes of one row's inputs: whole words of the widest panels.
ALWAYS_INLINE int64_t quantized_row_bytes(int64_t inputs) { return quotient_up(inputs, 8) * 8; }

static int64_t input_row_bytes(
    int32_t type, const int64_t *part_ends, int64_t parts, int64_t group) {
    (void)group;
    const int64_t inputs = part_ends[parts] - part_ends[0];
    return is_quantized(type) ? quantized_row_bytes(inputs) : rounded_words(inputs, type) * 4;
}

static void quantize_input(void *arguments, tern_share share) {
    tern_pack_input_args *a = arguments;
    const tiling tiles = tiles_of(a->rows, a->workers);
    const int64_t segments = segment_count(a->part_ends, a->parts, a->group);
    const int64_t row_words = quantized_row_bytes(a->inputs) / 4;
    for (claims work = claims_of(share, tiles.count * a->parts); claim(&work);) {
        const int64_t item = work.item;
        const int64_t row = tile_start(tiles, item / a->parts);
        const int64_t rows = tile_start(tiles, item / a->parts + 1) - row;
        float *to = (float *)a->packed + row * row_words;
        // What is beyond the last input.
        const int64_t words = quotient_up(a->inputs, 4);
        memset(to + words * rows, 0, (size_t)((row_words - words) * rows) * sizeof *to);
        quantize_part(
            a, a->input + row * a->input_stride, rows, item % a->parts, to,
            a->scales + row * segments, a->sums + row * segments);
    }
}

// Writes one tile's sums to the output, the bias added.
ALWAYS_INLINE void write_tile(
    const tern_linear_args *a, const v16 *sums, int64_t row, panel_group g, const int rows,
    const int panels) {
    UNROLL for (int p = 0; p < panels; p++) {
        const int32_t *start = a->panel_starts + g.first + p * g.step;
        const int64_t column = start[0] - a->panel_starts[0], width = start[1] - start[0];
        float *to = a->output + row * a->output_stride + column;
        UNROLL for (int r = 0; r < rows; r++) {
            v16 sum = sums[r * panels + p];
            if (a->bias) sum += load_lanes(a->bias + column, width);
            store_lanes(to + r * a->output_stride, sum, width);
        }
    }
}

// Takes up the sums of a part, as a binary counter carries: `part` in binary says which levels hold
// a sum. The carry runs through the trailing ones; after the last part it takes up all that is
// left.
ALWAYS_INLINE void carry_part(
    v16 (*tree)[TILE_SUMS], v16 *sums, int64_t part, int is_last, const int count) {
    int level = 0;
    for (; part >> level & 1 || (is_last && part >> level); level++) {
        if (!(part >> level & 1)) continue;
        UNROLL for (int i = 0; i < count; i++) sums[i] = tree[level][i] + sums[i];
    }
    if (is_last) return;
    UNROLL for (int i = 0; i < count; i++) tree[level][i] = sums[i];
}

// Sends for the lines that a tile will write: a product of bytes is over before they would come.
ALWAYS_INLINE void fetch_output(
    const tern_linear_args *a, int64_t row, panel_group g, const int rows, const int panels) {
    UNROLL for (int p = 0; p < panels; p++) {
        const float *to = a->output + a->panel_starts[g.first + p * g.step] - a->panel_starts[0];
        UNROLL for (int r = 0; r < rows; r++)
            __builtin_prefetch(to + (row + r) * a->output_stride, 1);
    }
}

// One tile: rows by panels over all parts.
ALWAYS_INLINE void linear_tile(
    const tern_linear_args *a, int64_t row, panel_group g, fetching f, const int rows,
    const int panels, const int32_t type) {
    const panel_source w = {
        .start = a->weight + g.first * a->panel_bytes,
        .stride = g.step * a->panel_bytes,
        .ahead = f,
        .floats = type == WIDENED_BFLOAT16 ? g.floats + g.first * a->inputs : NULL,
        .each = a->inputs,
    };
    const int64_t origin = a->part_ends[0];
    const int64_t segments = is_quantized(type) ? a->segments : 0;
    v16 tree[TREE_LEVELS][TILE_SUMS];
    v16 sums[TILE_SUMS];
    if (rows * panels > TILE_SUMS / 2) fetch_output(a, row, g, rows, panels);
    // Few rows, which wait for memory.
    else if (type == TERN_GROUPED_INT4)
        fetch_groups(w, a->panel_bytes, a->stored_inputs, panels, type);
    for (int64_t part = 0, segment = 0; part < a->parts; part++) {
        const int64_t first = a->part_ends[part], end = a->part_ends[part + 1];
        __builtin_assume(first % 2 == 0);
        UNROLL for (int i = 0; i < rows * panels; i++) sums[i] = splat(0);
        if (is_quantized(type)) {
            const int32_t *x = (const int32_t *)a->input
                + row * (quantized_row_bytes(a->inputs) / 4) - origin / 4 * rows;
            quantized_part(
                a, sums, x, a->scales + row * segments, a->sums + row * segments, &segment, w,
                first, end, rows, panels, type);
        } else {
            const float *x = (const float *)a->input
                + (row * rounded_words(a->inputs, type) - rounded_words(origin, type) * rows);
            if (type == TERN_BFLOAT16_PAIRS)
                pair_tile(sums, x, w, first, end, rows, panels);
            else if (type == TERN_BFLOAT16_CHAINS)
                chain_tile(sums, x, w, first, end, rows, panels);
            else
                tile_sums(sums, x, w, first, end, rows, panels, type);
        }
        carry_part(tree, sums, part, part == a->parts - 1, rows * panels);
    }
    write_tile(a, sums, row, g, rows, panels);
}

// Goes on to what is left of a group.
ALWAYS_INLINE void skip_panels(panel_group *g, fetching *f, int64_t panels) {
    g->first += panels * g->step;
    g->count -= panels;
    f->start += panels * f->stride;
}

// The tiles of each number of rows, full groups of panels and single panels of what is left.
#define LINEAR_TILE(ROWS, PANELS, NAME, TYPE) \
    static __attribute__((noinline)) void linear_##NAME##_##ROWS( \
        const tern_linear_args *a, int64_t row, panel_group g, fetching f) { \
        for (; g.count >= PANELS; skip_panels(&g, &f, PANELS)) \
            linear_tile(a, row, g, f, ROWS, PANELS, TYPE); \
        for (; g.count > 0; skip_panels(&g, &f, 1)) \
            linear_tile(a, row, g, f, ROWS, 1, TYPE); \
    }
#define LINEAR_FLOAT32(ROWS, PANELS) LINEAR_TILE(ROWS, PANELS, float32, TERN_FLOAT32)
#define LINEAR_BFLOAT16(ROWS, PANELS) LINEAR_TILE(ROWS, PANELS, bfloat16, TERN_BFLOAT16)
#define LINEAR_WIDENED(ROWS, PANELS) LINEAR_TILE(ROWS, PANELS, widened, WIDENED_BFLOAT16)
#define LINEAR_FLOAT16(ROWS, PANELS) LINEAR_TILE(ROWS, PANELS, float16, TERN_FLOAT16)
FOR_EACH_TILE(LINEAR_FLOAT32)
FOR_EACH_TILE(LINEAR_BFLOAT16)
FOR_EACH_TILE(LINEAR_WIDENED)
FOR_EACH_TILE(LINEAR_FLOAT16)
#define LINEAR_INT8(ROWS, PANELS) LINEAR_TILE(ROWS, PANELS, int8, TERN_CHANNEL_INT8)
#define LINEAR_INT4(ROWS, PANELS) LINEAR_TILE(ROWS, PANELS, int4, TERN_GROUPED_INT4)
#define LINEAR_PAIRS(ROWS, PANELS) LINEAR_TILE(ROWS, PANELS, pairs, TERN_BFLOAT16_PAIRS)
FOR_EACH_TILE(LINEAR_INT8)
FOR_EACH_TILE(LINEAR_INT4)
#define LINEAR_CHAINS(ROWS, PANELS) LINEAR_TILE(ROWS, PANELS, chains, TERN_BFLOAT16_CHAINS)
FOR_EACH_TILE(LINEAR_PAIRS)
FOR_EACH_TILE(LINEAR_CHAINS)

typedef void (*linear_function)(const tern_linear_args *, int64_t, panel_group, fetching);

#define LINEAR_ENTRY(ROWS, PANELS) \
    [ROWS] = { \
        [TERN_FLOAT32] = linear_float32_##ROWS, \
        [TERN_BFLOAT16] = linear_bfloat16_##ROWS, \
        [TERN_FLOAT16] = linear_float16_##ROWS, \
        [TERN_CHANNEL_INT8] = linear_int8_##ROWS, \
        [TERN_GROUPED_INT4] = linear_int4_##ROWS, \
        [TERN_BFLOAT16_PAIRS] = linear_pairs_##ROWS, \
        [TERN_BFLOAT16_CHAINS] = linear_chains_##ROWS, \
        [WIDENED_BFLOAT16] = linear_widened_##ROWS, \
    },
static const linear_function linear_functions[TILE_ROWS + 1][WIDENED_BFLOAT16 + 1] = {
    FOR_EACH_TILE(LINEAR_ENTRY)};

// Row tiles [tile, end) by a group of panels, the first of them as `first` says.
ALWAYS_INLINE void linear_tiles(
    const tern_linear_args *first, const tern_linear_args *others, tiling tiles, int64_t tile,
    int64_t end, panel_group g, tile_fetching f) {
    for (int64_t i = tile, row = tile_start(tiles, tile), next; i < end; i++, row = next) {
        const tern_linear_args *a = i == tile ? first : others;
        next = tile_start(tiles, i + 1);
        linear_functions[next - row][a->type](a, row, g, fetching_at(&f, i - tile));
    }
}

// Where three tiles or more read a group of panels of bfloat16, the first makes them float32 for
// the others, as long as they fit in 1 MiB of the worker's stack.
enum { WIDENED_TILES = 3, WIDENED_VECTORS = 16384 };

ALWAYS_INLINE int gains_by_widening(const tern_linear_args *a, panel_group g, int64_t tiles) {
    return a->type == TERN_BFLOAT16 && tiles >= WIDENED_TILES
        && g.count * a->inputs <= WIDENED_VECTORS;
}

static __attribute__((noinline)) void widened_tiles(
    const tern_linear_args *a, tiling tiles, int64_t tile, int64_t end, panel_group g,
    tile_fetching f) {
    v16 widened[WIDENED_VECTORS];
    tern_linear_args first = *a, others = *a;
    first.type = WIDENED_BFLOAT16;
    others.type = TERN_FLOAT32;
    others.panel_bytes = a->inputs * (int64_t)sizeof *widened;
    // Panels and inputs are counted as in the whole weight.
    g.floats = widened - g.first * a->inputs - a->part_ends[0];
    others.weight = (const char *)g.floats;
    linear_tiles(&first, &others, tiles, tile, end, g, f);
}

static void linear(void *arguments, tern_share share) {
    const tern_linear_args *a = arguments;
    if (a->rows == 0) return;
    const tiling tiles = tiles_of(a->rows, a->workers);
    const grouping groups = groups_of(a, tiles);
    const int64_t shares = row_shares(a, share, tiles.count, groups.count, LEAST_TILES);
    // Workers that begin with the same stretch take turns.
    const int64_t turns = quotient_up(a->workers, share.stretches);
    for (claims work = claims_of(share, groups.count * shares); claim(&work);) {
        const int64_t part = work.item / groups.count;
        const panel_group g = group_at(a, groups, work.item % groups.count);
        const int64_t end = (part + 1) * tiles.count / shares;
        const int64_t tile = part * tiles.count / shares;
        const tile_fetching f = fetching_of(a, g, groups.each * turns, end - tile);
        if (gains_by_widening(a, g, end - tile)) widened_tiles(a, tiles, tile, end, g, f);
        else linear_tiles(a, a, tiles, tile, end, g, f);
    }
}
