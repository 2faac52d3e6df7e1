// How what queries have of one split joins what they have of those before it, and becomes their
// output. The weighted values so far are kept in the output itself.

#pragma once

#include "attend.h"

// What some queries have of the splits so far, but for their mixed values.
typedef struct {
    float largest[16];
    v16 sums[TILE_ROWS];
} attend_account;

ALWAYS_INLINE float *attend_output(const attend_walk *w, int64_t query) {
    const tern_attend_args *a = w->args;
    const int64_t i = w->first + query;
    return a->output + (w->span[0] + i / a->group) * a->output_row
        + (w->head * a->group + i % a->group) * a->output_head;
}

// Starts with nothing, or with a sink as the first score.
static void attend_open(const attend_walk *w, attend_account *account) {
    const tern_attend_args *a = w->args;
    store16(account->largest, splat(-__builtin_inff()));
    for (int64_t q = 0; q < w->count; q++) {
        account->sums[q] = splat(0);
        if (a->sinks) {
            const int64_t head = w->head * a->group + (w->first + q) % a->group;
            account->largest[q] = a->sinks[head] * TERN_LOG2_E;
            account->sums[q][0] = 1;
        }
        memset(attend_output(w, q), 0, (size_t)a->cache.value_dimension * sizeof(float));
    }
}

// Adds a split, for the queries that see some of it.
static void attend_merge(
    const attend_walk *w, attend_account *account, const attend_state *s) {
    const tern_attend_args *a = w->args;
    const int64_t width = a->cache.value_dimension, value_panels = quotient_up(width, 16);
    const int64_t begin = w->split * TERN_ATTEND_SPLIT, end = begin + TERN_ATTEND_SPLIT;
    float keep[16], take[16];
    const v16 before = load16(account->largest), here = load16(s->largest);
    const v16 largest = larger16(here, before);
    store16(keep, power_of_two(before - largest));
    store16(take, power_of_two(here - largest));
    for (int64_t q = 0; q < w->count; q++) {
        const int64_t own = attend_position(a, w->span, w->first + q);
        if (own < begin || attend_from(a, own) >= end) continue;
        account->largest[q] = largest[q];
        account->sums[q] =
            multiply_add(s->sums[q], splat(take[q]), account->sums[q] * splat(keep[q]));
        float *output = attend_output(w, q);
        for (int64_t d = 0; d < width; d += 16) {
            const v16 kept = load_lanes(output + d, width - d) * splat(keep[q]);
            const v16 mixed = s->mixed[q * value_panels + d / 16];
            store_lanes(output + d, multiply_add(mixed, splat(take[q]), kept), width - d);
        }
    }
}

// Divides by the sums.
static void attend_close(const attend_walk *w, const attend_account *account) {
    const int64_t width = w->args->cache.value_dimension;
    for (int64_t q = 0; q < w->count; q++) {
        float *output = attend_output(w, q);
        const v16 sum = splat(lane_sum(account->sums[q]));
        for (int64_t d = 0; d < width; d += 16)
            store_lanes(output + d, load_lanes(output + d, width - d) / sum, width - d);
    }
}
