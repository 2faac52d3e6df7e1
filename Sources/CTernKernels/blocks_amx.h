// Products by AMX go block by block: up to 32 rows by one or two panels, in two by two tiles that
// may overlap, over all segments of the inputs. Here are the walk over segments, what a block holds
// on its way, and the way of its sums out of the tiles and into the output.

#pragma once

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
    s->end = s->first < part_end ? segment_end(s->first, part_end, a->group) : part_end;
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
    ints counts[4][TILE_HEIGHT];  // whole numbers, or the bits of real ones
    v16 sums[4][TILE_HEIGHT];  // of a part, by tile: [row tile][panel]
    v16 tree[TREE_LEVELS][4][TILE_HEIGHT];
    uint8_t unfolded[2][2][UNFOLDED_CHUNKS][TILE_HEIGHT][CHUNK] __attribute__((aligned(64)));
} tile_block;

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
