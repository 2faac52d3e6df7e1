// Causal attention over the paged cache. An item is one cache head of one sequence and up to
// TILE_ROWS of its queries, a query being one head of one row: the heads of a group share every
// tile that is read. Tiles of 16 keys, counted from position 0, are walked with a running maximum,
// from the first that one of the queries sees. A key that a query does not see never enters its
// sums, and a tile of such keys leaves its state as it was: neither what unseen slots hold nor
// which queries share an item matters.

#pragma once

#include "tile.h"

enum { ATTEND_PANELS = TERN_MAX_VALUE_DIMENSION / 16 };

// The running state of up to TILE_ROWS queries.
typedef struct {
    float query[TERN_MAX_HEAD_DIMENSION * TILE_ROWS];  // [dimension][queries]
    v16 mixed[TILE_ROWS * ATTEND_PANELS];              // [queries][panels]
    v16 scores[TILE_ROWS];                             // of the tile, then their exponentials
    float largest[TILE_ROWS];
    float sum[TILE_ROWS];
    float rescale[TILE_ROWS];
} attend_state;

// Turns one query's scores of a tile into weights; updates its maximum and sum.
ALWAYS_INLINE void attend_soften(attend_state *s, int q) {
    const float largest = larger(s->largest[q], lane_max(s->scores[q]));
    const v16 weights = exponential(s->scores[q] - splat(largest));
    const float rescale = exponential(splat(s->largest[q] - largest))[0];
    s->scores[q] = weights;
    s->largest[q] = largest;
    s->rescale[q] = rescale;
    s->sum[q] = s->sum[q] * rescale + lane_sum(weights);
}

// mixed = mixed * rescale + weights . values for some panels of values, keys [begin, end).
ALWAYS_INLINE void attend_mix(
    attend_state *s, int first, const char *values, int64_t begin, int64_t end,
    const int queries, int64_t panel, const int panels, const int32_t type) {
    v16 sums[TILE_SUMS];
    v16 *mixed = s->mixed + first * ATTEND_PANELS + panel;
    const int64_t panel_bytes = 256 * type_bytes(type);
    UNROLL for (int q = 0; q < queries; q++)
        UNROLL for (int p = 0; p < panels; p++)
            sums[q * panels + p] = mixed[q * ATTEND_PANELS + p] * splat(s->rescale[first + q]);
    tile_sums(
        sums, (const float *)&s->scores[first], 1, 16, values + panel * panel_bytes, panel_bytes,
        begin, end, queries, panels, type);
    UNROLL for (int q = 0; q < queries; q++)
        UNROLL for (int p = 0; p < panels; p++)
            mixed[q * ATTEND_PANELS + p] = sums[q * panels + p];
}

ALWAYS_INLINE void attend_mix_all(
    attend_state *s, int first, const char *values, int64_t begin, int64_t end,
    int64_t value_panels, const int queries, const int panels, const int32_t type) {
    int64_t panel = 0;
    for (; panel + panels <= value_panels; panel += panels)
        attend_mix(s, first, values, begin, end, queries, panel, panels, type);
    for (; panel < value_panels; panel++)
        attend_mix(s, first, values, begin, end, queries, panel, 1, type);
}

// One query on a tile of which it sees the keys [begin, end).
ALWAYS_INLINE void attend_edge(
    attend_state *s, int q, const char *values, int64_t begin, int64_t end, int64_t value_panels,
    const int32_t type) {
    for (int64_t lane = 0; lane < begin; lane++) s->scores[q][lane] = -__builtin_inff();
    for (int64_t lane = end; lane < 16; lane++) s->scores[q][lane] = -__builtin_inff();
    attend_soften(s, q);
    attend_mix_all(s, q, values, begin, end, value_panels, 1, 4, type);
}

// Reads queries and starts their state: with nothing, or with a sink as the first score.
ALWAYS_INLINE void attend_start(
    attend_state *s, const tern_attend_args *a, const int32_t *span, int64_t head, int64_t first,
    int64_t count, const int queries) {
    for (int q = 0; q < queries; q++) {
        const int64_t i = first + least(q, count - 1);  // queries of no use repeat the last
        const int64_t query_head = head * a->group + i % a->group;
        const float *from = a->queries + (span[0] + i / a->group) * a->query_row
            + query_head * a->query_head;
        for (int64_t d = 0; d < a->cache.dimension; d++) s->query[d * queries + q] = from[d];
        s->largest[q] = a->sinks ? a->sinks[query_head] : -__builtin_inff();
        s->sum[q] = a->sinks ? 1 : 0;
        for (int64_t p = 0; p < quotient_up(a->cache.value_dimension, 16); p++)
            s->mixed[q * ATTEND_PANELS + p] = splat(0);
    }
}

ALWAYS_INLINE void attend_finish(
    const attend_state *s, const tern_attend_args *a, const int32_t *span, int64_t head,
    int64_t first, int64_t count) {
    for (int q = 0; q < count; q++) {
        const int64_t i = first + q;
        float *to = a->output + (span[0] + i / a->group) * a->output_row
            + (head * a->group + i % a->group) * a->output_head;
        for (int64_t d = 0; d < a->cache.value_dimension; d += 16)
            store_lanes(
                to + d, s->mixed[q * ATTEND_PANELS + d / 16] / splat(s->sum[q]),
                a->cache.value_dimension - d);
    }
}

// The first position that a query sees.
ALWAYS_INLINE int64_t attend_from(const tern_attend_args *a, int64_t position) {
    return most(0, position - a->window + 1);
}

// Queries [first, first + count) of a span, on one cache head.
ALWAYS_INLINE void attend_tile(
    const tern_attend_args *a, const int32_t *span, int64_t head, int64_t first, int64_t count,
    const int queries, const int panels, const int32_t type) {
    const tern_cache *c = &a->cache;
    attend_state s;
    attend_start(&s, a, span, head, first, count, queries);
    const int64_t value_panels = quotient_up(c->value_dimension, 16);
    const int64_t position = span[2] + first / a->group;
    const int64_t last = span[2] + (first + count - 1) / a->group;
    for (int64_t token = attend_from(a, position) / 16 * 16; token <= last; token += 16) {
        const int64_t block = a->block_table[span[3] + token / c->block_size];
        const int64_t tile = token % c->block_size / 16;
        const char *keys = c->blocks + block * c->block_bytes + head * c->head_bytes;
        const char *values = keys + c->key_bytes + tile * value_panels * 256 * type_bytes(type);
        keys += tile * 16 * c->dimension * type_bytes(type);
        v16 scores[TILE_ROWS];
        UNROLL for (int q = 0; q < queries; q++) scores[q] = splat(0);
        tile_sums(scores, s.query, queries, 1, keys, 0, 0, c->dimension, queries, 1, type);
        UNROLL for (int q = 0; q < queries; q++) s.scores[q] = scores[q] * splat(a->scale);
        if (a->soft_cap > 0)
            for (int q = 0; q < queries; q++) s.scores[q] = soft_capped(s.scores[q], a->soft_cap);
        if (token + 15 <= position && token >= attend_from(a, last)) {
            for (int q = 0; q < queries; q++) attend_soften(&s, q);
            attend_mix_all(&s, 0, values, 0, 16, value_panels, queries, panels, type);
            continue;
        }
        for (int q = 0; q < count; q++) {
            const int64_t own = span[2] + (first + q) / a->group;
            const int64_t begin = most(attend_from(a, own) - token, 0);
            const int64_t end = least(own - token + 1, 16);
            if (begin < end) attend_edge(&s, q, values, begin, end, value_panels, type);
        }
    }
    attend_finish(&s, a, span, head, first, count);
}

#define ATTEND_TILE(QUERIES, PANELS, NAME, TYPE) \
    static __attribute__((noinline)) void attend_##NAME##_##QUERIES( \
        const tern_attend_args *a, const int32_t *span, int64_t head, int64_t first, \
        int64_t count) { \
        attend_tile(a, span, head, first, count, QUERIES, PANELS, TYPE); \
    }
#define ATTEND_FLOAT32(QUERIES, PANELS) ATTEND_TILE(QUERIES, PANELS, float32, TERN_FLOAT32)
#define ATTEND_BFLOAT16(QUERIES, PANELS) ATTEND_TILE(QUERIES, PANELS, bfloat16, TERN_BFLOAT16)
#define ATTEND_FLOAT16(QUERIES, PANELS) ATTEND_TILE(QUERIES, PANELS, float16, TERN_FLOAT16)
FOR_EACH_ATTEND(ATTEND_FLOAT32)
FOR_EACH_ATTEND(ATTEND_BFLOAT16)
FOR_EACH_ATTEND(ATTEND_FLOAT16)

typedef void (*attend_function)(
    const tern_attend_args *, const int32_t *, int64_t, int64_t, int64_t);

// The smallest tile that has room for so many queries.
static attend_function attend_function_for(int64_t count, int32_t type) {
#define ATTEND_CHOICE(QUERIES, PANELS) \
    if (count <= QUERIES) { \
        static const attend_function choices[3] = { \
            attend_float32_##QUERIES, attend_bfloat16_##QUERIES, attend_float16_##QUERIES}; \
        return choices[type]; \
    }
    FOR_EACH_ATTEND(ATTEND_CHOICE)
    __builtin_unreachable();
}

static void attend(void *arguments) {
    tern_attend_args *a = arguments;
    const int64_t heads = a->cache.heads;
    int64_t item = claim(&a->next), start = 0;
    for (int64_t index = 0; index < a->span_count; index++) {
        const int32_t *span = a->spans + index * 4;
        const int64_t queries = span[1] * a->group;
        const int64_t chunks = quotient_up(queries, TILE_ROWS);
        for (; item < start + chunks * heads; item = claim(&a->next)) {
            const int64_t head = (item - start) % heads;
            // The last chunks see the most keys: they are handed out first.
            const int64_t first = (chunks - 1 - (item - start) / heads) * TILE_ROWS;
            const int64_t count = least(TILE_ROWS, queries - first);
            attend_function_for(count, a->cache.type)(a, span, head, first, count);
        }
        start += chunks * heads;
    }
}
