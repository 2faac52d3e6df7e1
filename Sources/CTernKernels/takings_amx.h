// What vectors do with what AMX's tiles have counted: scales, sums of a part, and the tree of
// linear.h. It is prepared when a segment ends, and done while tiles count the next.

#pragma once

#include "blocks_amx.h"

// What becomes of the counts of one tile: those of a segment, times both scales, are added to
// `sums`, those of its part, if there are any; and that to what some levels of the tree hold. Of
// rounded inputs what was counted is the sum of a part already.
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
    const int has_scales = is_quantized(type) && s->first < s->end;
    v16 scales[2] = {splat(0), splat(0)};
    if (has_scales)
        UNROLL for (int p = 0; p < panels; p++)
            scales[p] = group_scales(
                b->weight + p * a->panel_bytes, a->stored_inputs, s->first / a->group, type);
    UNROLL for (int tile = 0; tile < 4; tile++) {
        if (tile / 2 >= row_tiles || tile % 2 >= panels) continue;
        const int64_t first = s->index * b->rows + (tile / 2 ? b->rows - b->height : 0);
        taking *t = &takings[tile];
        t->scales = has_scales ? b->scales + first : no_scales;
        t->taken = has_scales ? b->taken + first : nothing;
        t->scale = scales[tile % 2];
        carry_segment(b, s, tile, t);
    }
}

ALWAYS_INLINE void take_row(
    ints count, float scale, int32_t taken, v16 weight_scale, const v16 *sums,
    const v16 *const *levels, v16 *to, int64_t r, const int terms, const int starts_part,
    const int32_t type) {
    v16 sum = (v16)count;
    if (is_quantized(type)) {
        if (type == TERN_CHANNEL_INT8) count -= splat_word(taken);
        sum = multiply_add(
            __builtin_convertvector(count, v16), splat(scale) * weight_scale,
            starts_part ? splat(0) : sums[r]);
    }
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
