// Causal attention over the paged cache: how queries walk the keys of one split.
//
// The order of every sum is fixed by positions alone. Keys are cut into splits of 512 from position
// 0, and a split into stretches of 64. A query begins each split afresh: stretch by stretch, its
// largest score so far is updated, what it has summed is rescaled, and 64 weights and weighted
// values are added. Its splits are then merged in ascending order (attend_merge.h), whoever walked
// them. A key that a query does not see never enters its sums, and a stretch or split without one
// that it sees leaves them as they were: neither what unseen slots hold nor which queries are
// walked together matters. Who walks what is in attend_items.h.

#pragma once

#include "attend_sums.h"

enum {
    ATTEND_PANELS = TERN_MAX_VALUE_DIMENSION / 16,
    ATTEND_TILES = 4,  // of 16 keys, in a stretch
    ATTEND_STRETCH = 16 * ATTEND_TILES,
};

static const float TERN_LOG2_E = 1.44269504f;

// What up to TILE_ROWS queries have of some keys. Scores are logarithms to base 2.
typedef struct {
    float largest[16];                     // score of each query
    v16 sums[TILE_ROWS];                   // weights of each query, by their key's place in a tile
    v16 mixed[TILE_ROWS * ATTEND_PANELS];  // weighted values: [query][value panel], without gaps
} attend_state;

// Some queries of a span, a query being one head of one row, that walk a split together.
typedef struct {
    const tern_attend_args *args;
    const int32_t *span;
    int64_t head;          // of the cache
    int64_t first, count;  // queries, counted in the span
    const float *query;    // [dimension][queries], scaled
    int64_t split;
} attend_walk;

// The scores or weights of one stretch, and where its tiles lie.
typedef struct {
    float scores[TILE_ROWS * ATTEND_STRETCH];  // [queries][keys]; weights may be words of pairs
    float rescale[16];
    const char *keys[ATTEND_TILES], *values[ATTEND_TILES];
    const char *next[ATTEND_TILES];  // keys of the tile that is scored two after each
    const float *key_scales[ATTEND_TILES], *value_scales[ATTEND_TILES];
    int64_t own[TILE_ROWS];                    // position of each query
    int64_t begin[TILE_ROWS], end[TILE_ROWS];  // what each sees of a stretch that not all see whole
    int64_t tile, tiles;                       // the tiles that some query sees, and their end
} attend_stretch;

ALWAYS_INLINE v16 larger16(v16 a, v16 b) { return select16(a > b, a, b); }

// The largest lane. Not lane_max: that asks more of a NaN, and takes twice the operations.
ALWAYS_INLINE float attend_top(v16 x) {
    x = larger16(x, __builtin_shufflevector(
        x, x, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
    x = larger16(x, __builtin_shufflevector(
        x, x, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11));
    x = larger16(x, __builtin_shufflevector(
        x, x, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13));
    return larger(x[0], x[1]);
}

// 2^x for x <= 0 within 3 * 2^-24 of it, and 1 for 0; 2^-126 below -126.
//
// x = n + r with |r| <= 1/2; the polynomial of degree 5 is that of the least relative error among
// those that are 1 at 0 (2^-23.4). n is added to the exponent.
ALWAYS_INLINE v16 power_of_two(v16 x) {
    const v16 low = splat(-126), shift = splat(ROUNDING_SHIFT);
    x = select16(x < low, low, x);
    const v16 shifted = x + shift;
    const v16 r = x - (shifted - shift);
    v16 p = splat(0.00132647273f);
    p = multiply_add(p, r, splat(0.00967151299f));
    p = multiply_add(p, r, splat(0.0555073358f));
    p = multiply_add(p, r, splat(0.240222424f));
    p = multiply_add(p, r, splat(0.693147004f));
    p = multiply_add(p, r, splat(1));
    return (v16)((words)p + ((words)shifted << 23));
}

// Which lanes of a tile lie in [begin, end) of its stretch.
ALWAYS_INLINE masks attend_seen(int64_t tile, int64_t begin, int64_t end) {
    const masks lanes = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    const masks keys = lanes + (int32_t)tile * 16;
    return (keys >= (int32_t)begin) & (keys < (int32_t)end);
}

// The first position that a query sees.
ALWAYS_INLINE int64_t attend_from(const tern_attend_args *a, int64_t position) {
    return most(0, position - a->window + 1);
}

// The position of a query of a span.
ALWAYS_INLINE int64_t attend_position(
    const tern_attend_args *a, const int32_t *span, int64_t query) {
    return span[2] + query / a->group;
}

// Where the head's part of the block that holds a position begins.
ALWAYS_INLINE const char *attend_block(const attend_walk *w, int64_t position) {
    const tern_cache *c = &w->args->cache;
    const int64_t block = w->args->block_table[w->span[3] + position / c->block_size];
    return c->blocks + block * c->block_bytes + w->head * c->head_bytes;
}

// Finds the tiles of the stretch that begins at `token`.
ALWAYS_INLINE void attend_find(
    attend_stretch *t, const attend_walk *w, int64_t token, int64_t low, int64_t high,
    const int32_t type) {
    const tern_attend_args *a = w->args;
    const tern_cache *c = &a->cache;
    t->tile = most(low - token, 0) / 16;
    t->tiles = quotient_up(least(high - token, ATTEND_STRETCH), 16);
    const int64_t key_bytes = 16 * c->dimension * type_bytes(type);
    const int64_t value_bytes = quotient_up(c->value_dimension, 16) * 256 * type_bytes(type);
    for (int64_t i = t->tile; i < t->tiles; i++) {
        const int64_t place = (token + i * 16) % c->block_size;
        const char *keys = attend_block(w, token + i * 16);
        const int64_t next = least(token + i * 16 + 32, high - 1);
        t->keys[i] = keys + place / 16 * key_bytes;
        t->next[i] = attend_block(w, next) + next % c->block_size / 16 * key_bytes;
        t->values[i] = keys + c->key_bytes + place / 16 * value_bytes;
        if (type == TERN_INT8) {
            t->key_scales[i] = (const float *)(keys + c->scale_offset) + place;
            t->value_scales[i] = t->key_scales[i] + c->block_size;
        }
    }
}

// Finds what each query sees of the stretch that begins at `token`.
ALWAYS_INLINE void attend_see(
    attend_stretch *t, const tern_attend_args *a, int64_t token, const int queries) {
    for (int q = 0; q < queries; q++) {
        t->begin[q] = least(most(attend_from(a, t->own[q]) - token, 0), ATTEND_STRETCH);
        t->end[q] = most(least(t->own[q] - token + 1, ATTEND_STRETCH), 0);
    }
}

// Scores of all queries on some tiles of a stretch.
ALWAYS_INLINE void attend_score(
    attend_stretch *t, const attend_walk *w, int64_t tile, const int queries, const int tiles,
    const int32_t type) {
    const tern_attend_args *a = w->args;
    v16 sums[TILE_SUMS];
    UNROLL for (int i = 0; i < queries * tiles; i++) sums[i] = splat(0);
    const int64_t apart = tiles > 1 ? t->keys[tile + 1] - t->keys[tile] : 0;
    attend_sums(
        sums, w->query, queries, 1, t->keys[tile], apart, t->values[tile] - t->keys[tile],
        t->next + tile, 0, a->cache.dimension, queries, tiles, type);
    UNROLL for (int i = 0; i < tiles; i++) {
        const v16 scales = type == TERN_INT8 ? load16(t->key_scales[tile + i]) : splat(1);
        UNROLL for (int q = 0; q < queries; q++) {
            v16 score = sums[q * tiles + i];
            if (type == TERN_INT8) score *= scales;
            store16(t->scores + q * ATTEND_STRETCH + (tile + i) * 16, score);
        }
    }
}

// Caps scores, which are then to base e.
static void attend_cap(attend_stretch *t, float cap, int64_t queries) {
    for (int64_t q = 0; q < queries; q++)
        for (int64_t i = t->tile; i < t->tiles; i++) {
            float *score = t->scores + q * ATTEND_STRETCH + i * 16;
            store16(score, soft_capped(load16(score), cap) * splat(TERN_LOG2_E));
        }
}

// Turns scores into weights; updates the largest of each query and its sums.
ALWAYS_INLINE void attend_soften(
    attend_state *s, attend_stretch *t, const int queries, const int is_whole, const int32_t type) {
    const v16 before = load16(s->largest);
    const int64_t tile = is_whole ? 0 : t->tile, tiles = is_whole ? ATTEND_TILES : t->tiles;
    for (int q = 0; q < queries; q++) {
        v16 top = splat(-__builtin_inff());
        for (int64_t i = tile; i < tiles; i++) {
            float *place = t->scores + q * ATTEND_STRETCH + i * 16;
            v16 score = load16(place);
            if (!is_whole) {
                score = select16(attend_seen(i, t->begin[q], t->end[q]), score, top);
                store16(place, score);
            }
            top = larger16(score, top);
        }
        s->largest[q] = larger(attend_top(top), s->largest[q]);
    }
    store16(t->rescale, power_of_two(before - load16(s->largest)));
    for (int q = 0; q < queries; q++) {
        const v16 largest = splat(s->largest[q]);
        v16 weights[ATTEND_TILES] = {splat(0), splat(0), splat(0), splat(0)};
        for (int64_t i = tile; i < tiles; i++) {
            float *place = t->scores + q * ATTEND_STRETCH + i * 16;
            v16 weight = power_of_two(load16(place) - largest);
            if (!is_whole)
                weight = select16(attend_seen(i, t->begin[q], t->end[q]), weight, splat(0));
            weights[i] = weight;
            if (type == TERN_INT8) weight *= load16(t->value_scales[i]);
            // Words of pairs take up half the row: scores that are still to be read lie behind.
            store_rounded(
                t->scores + q * ATTEND_STRETCH + rounded_words(i * 16, type), weight, type);
        }
        if (!is_whole && t->begin[q] >= t->end[q]) continue;
        s->sums[q] = multiply_add(
            s->sums[q], splat(t->rescale[q]),
            (weights[0] + weights[1]) + (weights[2] + weights[3]));
    }
}

// mixed = mixed * rescale + weights . values, for some panels and the keys [begin, end).
ALWAYS_INLINE void attend_mix(
    attend_state *s, const attend_stretch *t, int first, int64_t begin, int64_t end,
    int64_t value_panels, int64_t panel, const int queries, const int panels, const int32_t type) {
    v16 sums[TILE_SUMS];
    v16 *mixed = s->mixed + first * value_panels + panel;
    const int64_t panel_bytes = 256 * type_bytes(type);
    UNROLL for (int q = 0; q < queries; q++)
        UNROLL for (int p = 0; p < panels; p++)
            sums[q * panels + p] = mixed[q * value_panels + p] * splat(t->rescale[first + q]);
    for (int64_t i = begin / 16; i * 16 < end; i++)
        attend_sums(
            sums, t->scores + first * ATTEND_STRETCH + rounded_words(i * 16, type), 1,
            ATTEND_STRETCH,
            t->values[i] + panel * panel_bytes, panel_bytes, panels * panel_bytes, 0,
            most(begin - i * 16, 0), least(end - i * 16, 16), queries, panels, type);
    UNROLL for (int q = 0; q < queries; q++)
        UNROLL for (int p = 0; p < panels; p++)
            mixed[q * value_panels + p] = sums[q * panels + p];
}

ALWAYS_INLINE void attend_mix_all(
    attend_state *s, const attend_stretch *t, int first, int64_t begin, int64_t end,
    int64_t value_panels, const int queries, const int panels, const int32_t type) {
    int64_t panel = 0;
    for (; panel + panels <= value_panels; panel += panels)
        attend_mix(s, t, first, begin, end, value_panels, panel, queries, panels, type);
    for (; panel < value_panels; panel++)
        attend_mix(s, t, first, begin, end, value_panels, panel, queries, 1, type);
}

// One query on some keys, after which it is not rescaled again.
#define ATTEND_ALONE(NAME, TYPE) \
    static __attribute__((noinline)) void attend_alone_##NAME( \
        attend_state *s, attend_stretch *t, int query, int64_t begin, int64_t end, \
        int64_t value_panels) { \
        attend_mix_all(s, t, query, begin, end, value_panels, 1, 4, TYPE); \
        t->rescale[query] = 1; \
    }
ATTEND_ALONE(float32, TERN_FLOAT32)
ATTEND_ALONE(bfloat16, TERN_BFLOAT16)
ATTEND_ALONE(float16, TERN_FLOAT16)
ATTEND_ALONE(int8, TERN_INT8)
ATTEND_ALONE(pairs, TERN_BFLOAT16_PAIRS)

typedef void (*attend_alone_function)(
    attend_state *, attend_stretch *, int, int64_t, int64_t, int64_t);
static const attend_alone_function attend_alone[TERN_WEIGHT_TYPES] = {
    [TERN_FLOAT32] = attend_alone_float32,
    [TERN_BFLOAT16] = attend_alone_bfloat16,
    [TERN_FLOAT16] = attend_alone_float16,
    [TERN_INT8] = attend_alone_int8,
    [TERN_BFLOAT16_PAIRS] = attend_alone_pairs,
};

// Mixes a stretch of which not every query sees all: each query first what it sees before the keys
// that all see, then those together, then each what it sees after them.
ALWAYS_INLINE void attend_mix_edge(
    attend_state *s, attend_stretch *t, int64_t count, int64_t value_panels, const int queries,
    const int panels, const int32_t type) {
    int64_t common = 0, common_end = ATTEND_STRETCH;
    for (int q = 0; q < queries; q++) {
        common = most(common, t->begin[q]);
        common_end = least(common_end, t->end[q]);
    }
    // No pair of keys is divided between a query alone and all.
    common += common % 2;
    common_end = most(common, common_end - common_end % 2);
    for (int q = 0; q < count; q++) {
        const int64_t end = least(t->end[q], common);
        if (t->begin[q] < end) attend_alone[type](s, t, q, t->begin[q], end, value_panels);
    }
    if (common < common_end) {
        attend_mix_all(s, t, 0, common, common_end, value_panels, queries, panels, type);
        store16(t->rescale, splat(1));
    }
    for (int q = 0; q < count; q++) {
        const int64_t begin = most(t->begin[q], common_end);
        if (begin < t->end[q]) attend_alone[type](s, t, q, begin, t->end[q], value_panels);
    }
}

// Walks one split from nothing.
ALWAYS_INLINE void attend_split(
    const attend_walk *w, attend_state *s, const int queries, const int panels,
    const int32_t type) {
    const tern_attend_args *a = w->args;
    const int64_t value_panels = quotient_up(a->cache.value_dimension, 16);
    const int together = 2 * queries <= TILE_SUMS ? 2 : 1;
    const int64_t first = attend_position(a, w->span, w->first);
    const int64_t last = attend_position(a, w->span, w->first + w->count - 1);
    const int64_t low = most(w->split * TERN_ATTEND_SPLIT, attend_from(a, first));
    const int64_t high = least((w->split + 1) * TERN_ATTEND_SPLIT, last + 1);
    store16(s->largest, splat(-__builtin_inff()));
    for (int q = 0; q < queries; q++) s->sums[q] = splat(0);
    for (int64_t i = 0; i < queries * value_panels; i++) s->mixed[i] = splat(0);
    attend_stretch t;
    for (int q = 0; q < queries; q++)
        t.own[q] = attend_position(a, w->span, w->first + least(q, w->count - 1));
    for (int64_t token = low / ATTEND_STRETCH * ATTEND_STRETCH; token < high;
         token += ATTEND_STRETCH) {
        attend_find(&t, w, token, low, high, type);
        int64_t tile = t.tile;
        for (; tile + together <= t.tiles; tile += together)
            attend_score(&t, w, tile, queries, together, type);
        for (; tile < t.tiles; tile++) attend_score(&t, w, tile, queries, 1, type);
        if (a->soft_cap > 0) attend_cap(&t, a->soft_cap, queries);
        if (token + ATTEND_STRETCH - 1 <= first && token >= attend_from(a, last)) {
            attend_soften(s, &t, queries, 1, type);
            attend_mix_all(s, &t, 0, 0, ATTEND_STRETCH, value_panels, queries, panels, type);
        } else {
            attend_see(&t, a, token, queries);
            attend_soften(s, &t, queries, 0, type);
            attend_mix_edge(s, &t, w->count, value_panels, queries, panels, type);
        }
    }
}

#define ATTEND_SPLIT(QUERIES, PANELS, NAME, TYPE) \
    static __attribute__((noinline)) void attend_##NAME##_##QUERIES( \
        const attend_walk *w, attend_state *s) { \
        attend_split(w, s, QUERIES, PANELS, TYPE); \
    }
#define ATTEND_FLOAT32(QUERIES, PANELS) ATTEND_SPLIT(QUERIES, PANELS, float32, TERN_FLOAT32)
#define ATTEND_BFLOAT16(QUERIES, PANELS) ATTEND_SPLIT(QUERIES, PANELS, bfloat16, TERN_BFLOAT16)
#define ATTEND_FLOAT16(QUERIES, PANELS) ATTEND_SPLIT(QUERIES, PANELS, float16, TERN_FLOAT16)
#define ATTEND_INT8(QUERIES, PANELS) ATTEND_SPLIT(QUERIES, PANELS, int8, TERN_INT8)
#define ATTEND_PAIRS(QUERIES, PANELS) ATTEND_SPLIT(QUERIES, PANELS, pairs, TERN_BFLOAT16_PAIRS)
FOR_EACH_ATTEND(ATTEND_FLOAT32)
FOR_EACH_ATTEND(ATTEND_BFLOAT16)
FOR_EACH_ATTEND(ATTEND_FLOAT16)
FOR_EACH_ATTEND(ATTEND_INT8)
FOR_EACH_ATTEND(ATTEND_PAIRS)

typedef void (*attend_function)(const attend_walk *, attend_state *);

// The queries of the smallest walk that has room for so many.
ALWAYS_INLINE int64_t attend_width(int64_t count) {
#define ATTEND_WIDTH(QUERIES, PANELS) if (count <= QUERIES) return QUERIES;
    FOR_EACH_ATTEND(ATTEND_WIDTH)
    __builtin_unreachable();
}

static attend_function attend_function_for(int64_t count, int32_t type) {
#define ATTEND_CHOICE(QUERIES, PANELS) \
    if (count <= QUERIES) { \
        static const attend_function choices[TERN_WEIGHT_TYPES] = { \
            [TERN_FLOAT32] = attend_float32_##QUERIES, \
            [TERN_BFLOAT16] = attend_bfloat16_##QUERIES, \
            [TERN_FLOAT16] = attend_float16_##QUERIES, \
            [TERN_INT8] = attend_int8_##QUERIES, \
            [TERN_BFLOAT16_PAIRS] = attend_pairs_##QUERIES, \
        }; \
        return choices[type]; \
    }
    FOR_EACH_ATTEND(ATTEND_CHOICE)
    __builtin_unreachable();
}
