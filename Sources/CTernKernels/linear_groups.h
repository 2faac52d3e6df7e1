// How a product is cut: its rows into tiles and shares, its panels into groups; and what the tiles
// by one group send for meanwhile.

#pragma once

#include "claims.h"
#include "vector.h"

// How many panels a tile of so many rows takes at once; see TILE_PANELS in kernels_*.c.
ALWAYS_INLINE int tile_panels(int64_t rows) {
    static const int8_t panels[TILE_ROWS + 1] = TILE_PANELS;
    return panels[rows];
}

// Tiles that a worker must have to itself for reading all weights for them.
enum { LEAST_TILES = 4 };

// Rows cut into tiles of as nearly the same number as can be; so are equal numbers of neighbouring
// tiles.
typedef struct {
    int64_t rows, count;
} tiling;

// Where each worker has tiles to itself, it has as many as the others.
ALWAYS_INLINE tiling tiles_of(int64_t rows, int32_t workers) {
    const int64_t count = most(1, quotient_up(rows, TILE_ROWS));
    const int64_t stretches = least(workers, TERN_STRETCHES);
    const int64_t each = quotient_up(count, stretches);
    return (tiling){rows, count / stretches < LEAST_TILES ? count : each * stretches};
}

ALWAYS_INLINE int64_t tile_start(tiling tiles, int64_t tile) {
    return tile * tiles.rows / tiles.count;
}

// The rows of the tallest tile.
ALWAYS_INLINE int64_t tile_height(tiling tiles) { return quotient_up(tiles.rows, tiles.count); }

// The tile that a row is in.
ALWAYS_INLINE int64_t tile_of(tiling tiles, int64_t row) {
    return ((row + 1) * tiles.count - 1) / tiles.rows;
}

// Panels that are multiplied together: `count` of them from `first` on, each `step`th.
typedef struct {
    int64_t first, count, step;
    v16 *floats;  // where the first panel in view lies as float32, if this group is made that
} panel_group;

// The groups of a product's panels. Where its rows are one tile, which may wait for memory, the
// panels of a group are a share of all apart, so that each is a stream that goes on in the next
// group; what is left are groups of their own. Else they are neighbours.
typedef struct {
    int64_t count, each;
    int64_t step;  // between the panels of a group; 1: neighbours
} grouping;

ALWAYS_INLINE grouping groups_of(const tern_linear_args *a, tiling tiles) {
    const int64_t each = tile_panels(tile_height(tiles));
    if (tiles.count > 1 || a->panels < 2 * each)
        return (grouping){quotient_up(a->panels, each), each, 1};
    const int64_t step = a->panels / each;
    return (grouping){step + a->panels % each, each, step};
}

ALWAYS_INLINE panel_group group_at(const tern_linear_args *a, grouping groups, int64_t index) {
    const int64_t each = groups.each, step = groups.step;
    if (step == 1) {
        const int64_t first = index * each;
        return (panel_group){.first = first, .count = least(each, a->panels - first), .step = 1};
    }
    if (index < step) return (panel_group){.first = index, .count = each, .step = step};
    return (panel_group){.first = index + step * (each - 1), .count = 1, .step = 1};
}

// In how many shares the tiles of a product are cut, each of which is an item for every group of
// panels. Many rows are cut as they are for kernels that go along rows, so that a worker multiplies
// what it has written and finds what others have multiplied; few are shared out where there are
// few groups.
ALWAYS_INLINE int64_t row_shares(
    const tern_linear_args *a, tern_share share, int64_t tiles, int64_t groups, int64_t enough) {
    const int64_t wanted = quotient_up(8 * a->workers, most(groups, 1));
    const int64_t full = tiles / (share.stretches * enough);
    if (full == 0) return least(tiles, wanted);
    return share.stretches * least(full, quotient_up(wanted, share.stretches));
}

// What the tiles by one group of panels send for: the first one its own panels, the others together
// those of the group that comes next. The first waits for memory otherwise, for many rows use lines
// up before they come that are sent for shortly ahead.
typedef struct {
    fetching own;
    // Where the first of the others begins, and how far from it the next one. None: they send for
    // nothing new.
    fetching next;
    int64_t each;
} tile_fetching;

// Of so many tiles by a group whose next one begins `to_next` panels behind it.
ALWAYS_INLINE tile_fetching fetching_of(
    const tern_linear_args *a, panel_group g, int64_t to_next, int64_t tiles) {
    const int64_t line_inputs =
        a->type == TERN_GROUPED_INT4 ? 8 : a->type == TERN_CHANNEL_INT8 ? 4 : 2;
    const int64_t line_bytes = a->type == TERN_FLOAT32 ? 128 : 64;
    const char *weight = a->weight + g.first * a->panel_bytes;
    const int64_t stride = g.step * a->panel_bytes;
    tile_fetching f = {.own = ahead_of(weight, line_bytes, stride)};
    if (tiles == 1 || a->inputs == 0 || g.first + to_next >= a->panels) return f;
    // Lines that a tile reads of each panel, and that lie before them.
    const int64_t lines = quotient_up(a->inputs, line_inputs);
    const int64_t before = a->part_ends[0] / line_inputs;
    const int64_t step = quotient_up(line_bytes, tiles - 1);
    const char *next = weight + to_next * a->panel_bytes + before * (line_bytes - step);
    f.next = (fetching){next, step, stride};
    f.each = quotient_up(lines * line_bytes, tiles - 1);
    return f;
}

ALWAYS_INLINE fetching fetching_at(const tile_fetching *f, int64_t tile) {
    if (tile == 0 || !f->next.start) return f->own;
    fetching next = f->next;
    next.start += (tile - 1) * f->each;
    return next;
}
