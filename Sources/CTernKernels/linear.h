// Products with packed weights. A work item is a group of panels by some of the row tiles; the
// group is read once from memory and again from the caches for each tile. Partial sums of parts
// are added as a binary counter carries, which is the fixed tree of PackedWeight.inputParts.

#pragma once

#include "side_by_side.h"
#include "tile.h"

// Carries of up to TERN_MAX_PARTS parts.
enum { TREE_LEVELS = 5 };

// How many panels a tile of so many rows takes at once; see TILE_PANELS in kernels_*.c.
ALWAYS_INLINE int tile_panels(int64_t rows) {
    static const int8_t panels[TILE_ROWS + 1] = TILE_PANELS;
    return panels[rows];
}

// Tiles of nearly equal numbers of rows: the first `longer` have one row more than `shorter_rows`.
typedef struct {
    int64_t count, shorter_rows, longer;
} tiling;

ALWAYS_INLINE tiling tiles_of(int64_t rows) {
    const int64_t count = most(1, quotient_up(rows, TILE_ROWS));
    return (tiling){count, rows / count, rows % count};
}

ALWAYS_INLINE int64_t tile_start(tiling tiles, int64_t tile) {
    return tile * tiles.shorter_rows + least(tile, tiles.longer);
}

static void pack_input(void *arguments) {
    tern_pack_input_args *a = arguments;
    enum { CHUNK = 512 };
    const tiling tiles = tiles_of(a->rows);
    const int64_t chunks = quotient_up(a->inputs, CHUNK);
    for (int64_t item; (item = claim(&a->next)) < tiles.count * chunks;) {
        const int64_t start = tile_start(tiles, item / chunks);
        const int64_t rows = tile_start(tiles, item / chunks + 1) - start;
        const int64_t first = item % chunks * CHUNK, end = least(first + CHUNK, a->inputs);
        lay_side_by_side(
            a->input + start * a->input_stride + first, a->input_stride, rows, end - first,
            a->packed + start * a->inputs + first * rows);
    }
}

// Writes one tile's sums to the output, the bias added.
ALWAYS_INLINE void write_tile(
    const tern_linear_args *a, const v16 *sums, int64_t row, int64_t panel, const int rows,
    const int panels) {
    UNROLL for (int p = 0; p < panels; p++) {
        const int64_t column = a->panel_starts[panel + p] - a->panel_starts[0];
        const int64_t width = a->panel_starts[panel + p + 1] - a->panel_starts[panel + p];
        float *to = a->output + row * a->output_stride + column;
        UNROLL for (int r = 0; r < rows; r++) {
            v16 sum = sums[r * panels + p];
            if (a->bias) sum += load_lanes(a->bias + column, width);
            store_lanes(to + r * a->output_stride, sum, width);
        }
    }
}

// One tile: rows by panels over all parts.
ALWAYS_INLINE void linear_tile(
    const tern_linear_args *a, int64_t row, int64_t panel, const int rows, const int panels,
    const int32_t type) {
    const char *weight = a->weight + panel * a->panel_bytes;
    const float *x = a->input + (row * a->inputs - a->part_ends[0] * rows);
    v16 tree[TREE_LEVELS][TILE_SUMS];
    v16 sums[TILE_SUMS];
    for (int64_t part = 0; part < a->parts; part++) {
        const int64_t first = a->part_ends[part], end = a->part_ends[part + 1];
        __builtin_assume(first % 2 == 0);
        UNROLL for (int i = 0; i < rows * panels; i++) sums[i] = splat(0);
        tile_sums(
            sums, x, rows, 1, weight, a->panel_bytes, first, end, rows, panels, type);
        // `part` in binary says which levels hold a sum. The carry runs through the trailing ones;
        // after the last part it takes up all that is left.
        const int last = part == a->parts - 1;
        int level = 0;
        for (; part >> level & 1 || (last && part >> level); level++) {
            if (!(part >> level & 1)) continue;
            UNROLL for (int i = 0; i < rows * panels; i++) sums[i] = tree[level][i] + sums[i];
        }
        if (last) break;
        UNROLL for (int i = 0; i < rows * panels; i++) tree[level][i] = sums[i];
    }
    write_tile(a, sums, row, panel, rows, panels);
}

// The tiles of each number of rows, full groups of panels and single panels of what is left.
#define LINEAR_TILE(ROWS, PANELS, NAME, TYPE) \
    static __attribute__((noinline)) void linear_##NAME##_##ROWS( \
        const tern_linear_args *a, int64_t row, int64_t panel, int64_t panels) { \
        for (; panels >= PANELS; panels -= PANELS, panel += PANELS) \
            linear_tile(a, row, panel, ROWS, PANELS, TYPE); \
        for (; panels > 0; panels--, panel++) linear_tile(a, row, panel, ROWS, 1, TYPE); \
    }
#define LINEAR_FLOAT32(ROWS, PANELS) LINEAR_TILE(ROWS, PANELS, float32, TERN_FLOAT32)
#define LINEAR_BFLOAT16(ROWS, PANELS) LINEAR_TILE(ROWS, PANELS, bfloat16, TERN_BFLOAT16)
#define LINEAR_FLOAT16(ROWS, PANELS) LINEAR_TILE(ROWS, PANELS, float16, TERN_FLOAT16)
FOR_EACH_TILE(LINEAR_FLOAT32)
FOR_EACH_TILE(LINEAR_BFLOAT16)
FOR_EACH_TILE(LINEAR_FLOAT16)

typedef void (*linear_function)(const tern_linear_args *, int64_t, int64_t, int64_t);

#define LINEAR_ENTRY(ROWS, PANELS) \
    [ROWS] = {linear_float32_##ROWS, linear_bfloat16_##ROWS, linear_float16_##ROWS},
static const linear_function linear_functions[TILE_ROWS + 1][3] = {FOR_EACH_TILE(LINEAR_ENTRY)};

static void linear(void *arguments) {
    tern_linear_args *a = arguments;
    if (a->rows == 0) return;
    const tiling tiles = tiles_of(a->rows);
    const int64_t group = tile_panels(tiles.shorter_rows + (tiles.longer > 0));
    const int64_t groups = quotient_up(a->panels, group);
    // Where there are few groups, their tiles are shared out too.
    const int64_t wanted = quotient_up(8 * a->workers, most(groups, 1));
    const int64_t shares = least(tiles.count, wanted);
    for (int64_t item; (item = claim(&a->next)) < groups * shares;) {
        const int64_t panel = item / shares * group, share = item % shares;
        const int64_t panels = least(group, a->panels - panel);
        const int64_t end = (share + 1) * tiles.count / shares;
        for (int64_t tile = share * tiles.count / shares; tile < end; tile++) {
            const int64_t row = tile_start(tiles, tile), rows = tile_start(tiles, tile + 1) - row;
            linear_functions[rows][a->type](a, row, panel, panels);
        }
    }
}
