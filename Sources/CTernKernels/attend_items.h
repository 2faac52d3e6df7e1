// How attention is shared out among workers. An item is one cache head of one sequence and some of
// its queries: the heads of a group share every key that is read, and up to eight walks share a
// split while it lies in the second cache. Where one sequence is so long that its items would keep
// the others waiting, each split is an item, and the worker that ends the last one merges all.
// Bits do not depend on any of this.

#pragma once

#include "attend_merge.h"
#include "claims.h"

enum {
    ATTEND_WALKS = 8,                            // of an item, at most
    ATTEND_QUERY_FLOATS = 8 * TILE_ROWS * 128,   // room for the queries of an item
    ATTEND_ITEMS = 4,                            // for each worker, at least: they end together
};

// How the queries of one span are cut.
typedef struct {
    int64_t queries;
    int64_t each, chunks;          // queries of an item; items for each cache head
    int64_t split, splits;         // the first that a query sees, and how many there are
    int64_t parts;                 // items of each chunk: one, or one for each split
    int64_t slot_bytes;            // of a split's state, where it is an item
    attend_state *slots;           // [chunk][head][split]
    int32_t *ended;                // [chunk][head]: splits that are done
} attend_share;

typedef struct {
    float query[ATTEND_QUERY_FLOATS];
    attend_state state;
    attend_account accounts[ATTEND_WALKS];
} attend_room;

// Walks of a span for each cache head.
ALWAYS_INLINE int64_t attend_walks(const tern_attend_args *a, const int32_t *span) {
    return quotient_up(span[1] * a->group, TILE_ROWS);
}

// Keys that a walk of a span reads at most.
ALWAYS_INLINE int64_t attend_keys(const tern_attend_args *a, const int32_t *span) {
    const int64_t last = span[2] + span[1] - 1;
    return most(1, last + 1 - attend_from(a, span[2]));
}

// Keys that the walks of an item may read together, so that there are enough items.
static int64_t attend_limit(const tern_attend_args *a) {
    int64_t total = 0;
    for (int64_t index = 0; index < a->span_count; index++) {
        const int32_t *span = a->spans + index * 4;
        total += attend_walks(a, span) * attend_keys(a, span) * a->cache.heads;
    }
    return a->workers == 1 ? INT64_MAX : most(1, total / (ATTEND_ITEMS * a->workers));
}

// Cuts a span; takes what room it needs from `slots` and `ended`.
static attend_share attend_cut(
    const tern_attend_args *a, const int32_t *span, int64_t limit, char **slots, int32_t **ended) {
    attend_share s = {.queries = span[1] * a->group, .parts = 1};
    if (s.queries == 0) return s;
    const int64_t keys = attend_keys(a, span), heads = a->cache.heads;
    const int64_t room = ATTEND_QUERY_FLOATS / (TILE_ROWS * a->cache.dimension);
    const int64_t walks = most(1, least(least(ATTEND_WALKS, room), limit / keys));
    s.each = least(walks * TILE_ROWS, s.queries);
    s.chunks = quotient_up(s.queries, s.each);
    s.split = attend_from(a, span[2]) / TERN_ATTEND_SPLIT;
    s.splits = (span[2] + span[1] - 1) / TERN_ATTEND_SPLIT + 1 - s.split;
    if (keys <= limit || s.splits == 1) return s;
    const int64_t panels = quotient_up(a->cache.value_dimension, 16);
    s.slot_bytes = (int64_t)__builtin_offsetof(attend_state, mixed)
        + attend_width(s.each) * panels * (int64_t)sizeof(v16);
    const int64_t bytes = s.chunks * heads * s.splits * s.slot_bytes;
    if (bytes > a->slots + a->slot_bytes - *slots
        || s.chunks * heads > a->ended + a->ended_count - *ended) return s;
    s.parts = s.splits;
    s.slots = (attend_state *)*slots;
    s.ended = *ended;
    *slots += bytes;
    *ended += s.chunks * heads;
    return s;
}

// Lays the queries of a walk side by side, scaled, and rounded where pairs are multiplied.
static void attend_lay(const attend_walk *w, float *query) {
    const tern_attend_args *a = w->args;
    const int64_t queries = attend_width(w->count), dimension = a->cache.dimension;
    const float scale = a->soft_cap > 0 ? a->scale : a->scale * TERN_LOG2_E;
    const int64_t line_words = rounded_words(LINE_INPUTS, a->type);
    const float *from[TILE_ROWS];
    for (int64_t q = 0; q < queries; q++) {
        const int64_t i = w->first + least(q, w->count - 1);  // those of no use repeat the last
        from[q] = a->queries + (w->span[0] + i / a->group) * a->query_row
            + (w->head * a->group + i % a->group) * a->query_head;
    }
    for (int64_t d = 0; d < dimension; d += LINE_INPUTS) {
        float line[TILE_ROWS * LINE_INPUTS];
        for (int64_t q = 0; q < queries; q++) {
            const v16 x = load_lanes(from[q] + d, dimension - d) * splat(scale);
            store_rounded(line + q * line_words, x, a->type);
        }
        const int64_t words = rounded_words(least(LINE_INPUTS, dimension - d), a->type);
        lay_side_by_side(
            line, line_words, queries, words, query + rounded_words(d, a->type) * queries);
    }
}

// All splits of some queries.
static void attend_whole(
    attend_walk w, const attend_share *share, int64_t count, attend_room *room) {
    const int64_t first = w.first;
    const int64_t query_floats = TILE_ROWS * w.args->cache.dimension;
    for (w.split = share->split - 1; w.split < share->split + share->splits; w.split++)
        for (int64_t walk = 0; walk * TILE_ROWS < count; walk++) {
            float *query = room->query + walk * query_floats;
            w.first = first + walk * TILE_ROWS;
            w.count = least(TILE_ROWS, count - walk * TILE_ROWS);
            w.query = query;
            if (w.split < share->split) {
                attend_lay(&w, query);
                attend_open(&w, &room->accounts[walk]);
                continue;
            }
            attend_function_for(w.count, w.args->type)(&w, &room->state);
            attend_merge(&w, &room->accounts[walk], &room->state);
        }
    for (int64_t walk = 0; walk * TILE_ROWS < count; walk++) {
        w.first = first + walk * TILE_ROWS;
        w.count = least(TILE_ROWS, count - walk * TILE_ROWS);
        attend_close(&w, &room->accounts[walk]);
    }
}

// One split of some queries, and all of them together where it is the last to end.
static void attend_part(
    attend_walk w, const attend_share *share, int64_t index, int64_t part, attend_room *room) {
    char *slots = (char *)share->slots + index * share->splits * share->slot_bytes;
    attend_lay(&w, room->query);
    w.query = room->query;
    w.split = share->split + part;
    attend_state *state = (attend_state *)(slots + part * share->slot_bytes);
    attend_function_for(w.count, w.args->type)(&w, state);
    int32_t *ended = share->ended + index;
    if (__atomic_add_fetch(ended, 1, __ATOMIC_ACQ_REL) < share->splits) return;
    *ended = 0;
    attend_open(&w, room->accounts);
    for (int64_t i = 0; i < share->splits; i++) {
        w.split = share->split + i;
        attend_merge(&w, room->accounts, (attend_state *)(slots + i * share->slot_bytes));
    }
    attend_close(&w, room->accounts);
}

// The items of all spans, one span after another, and the span at hand.
typedef struct {
    const tern_attend_args *args;
    int64_t limit;         // see attend_limit
    int64_t index, start;  // of the span; items before it
    int64_t items;         // its own
    attend_share share;
    char *slots;           // what is left of the room
    int32_t *ended;
} attend_cursor;

// Moves on to the next span; 0 after the last.
static int attend_advance(attend_cursor *c) {
    const tern_attend_args *a = c->args;
    c->start += c->items;
    c->items = 0;
    if (++c->index >= a->span_count) return 0;
    c->share = attend_cut(a, a->spans + c->index * 4, c->limit, &c->slots, &c->ended);
    c->items = c->share.chunks * a->cache.heads * c->share.parts;
    return 1;
}

// One item of the span at hand: rows in ascending order, as other kernels have them.
static void attend_item(const attend_cursor *c, int64_t item, attend_room *room) {
    const tern_attend_args *a = c->args;
    const attend_share *share = &c->share;
    const int64_t part = item % share->parts, pair = item / share->parts;
    const int64_t first = pair / a->cache.heads * share->each;
    const int64_t count = least(share->each, share->queries - first);
    const attend_walk w = {
        .args = a, .span = a->spans + c->index * 4, .head = pair % a->cache.heads, .first = first,
        .count = count};
    if (share->parts == 1) attend_whole(w, share, count, room);
    else attend_part(w, share, pair, part, room);
}

static void attend(void *arguments, tern_share share) {
    const tern_attend_args *a = arguments;
    const attend_cursor begin = {
        .args = a, .limit = attend_limit(a), .index = -1, .slots = a->slots, .ended = a->ended};
    attend_cursor at = begin;
    while (attend_advance(&at)) {}
    attend_room room;
    claims work = claims_of(share, at.start);
    for (at = begin; claim(&work);) {
        if (work.item < at.start) at = begin;
        while (work.item >= at.start + at.items) attend_advance(&at);
        attend_item(&at, work.item - at.start, &room);
    }
}
