// The two ops of mixtures of experts that are no products: choosing the experts of a token, and
// summing what they gave. An item is a token.

#pragma once

#include "claims.h"
#include "vector.h"

// Each expert's share: exp(logit - the largest) by the sum of all, in rms_norm's order.
ALWAYS_INLINE void softmax_scores(const float *logits, int64_t experts, float *scores) {
    v16 largest = splat(logits[0]);
    for (int64_t i = 0; i < experts; i++) largest[i % 16] = larger(largest[i % 16], logits[i]);
    const v16 top = splat(lane_max(largest));
    v16 sums = splat(0);
    for (int64_t i = 0; i < experts; i += 16) {
        const int64_t lanes = experts - i;
        store_lanes(scores + i, exponential(load_lanes(logits + i, lanes) - top), lanes);
        sums += load_lanes(scores + i, lanes);
    }
    const float sum = lane_sum(sums);
    for (int64_t i = 0; i < experts; i++) scores[i] /= sum;
}

ALWAYS_INLINE void sigmoid_scores(const float *logits, int64_t experts, float *scores) {
    for (int64_t i = 0; i < experts; i += 16) {
        const int64_t lanes = experts - i;
        store_lanes(scores + i, sigmoid(load_lanes(logits + i, lanes)), lanes);
    }
}

enum { OPEN, CHOSEN, CLOSED };

// Marks the `count` largest values that are open as chosen, the first of equals.
ALWAYS_INLINE void choose(const float *values, int64_t n, int64_t count, uint8_t *marks) {
    for (int64_t taken = 0; taken < count; taken++) {
        int64_t best = -1;
        for (int64_t i = 0; i < n; i++)
            if (marks[i] == OPEN && (best < 0 || values[i] > values[best])) best = i;
        marks[best] = CHOSEN;
    }
}

// The largest of a group's values, or the sum of the two largest.
ALWAYS_INLINE float group_score(const float *values, int64_t n, int64_t best) {
    float first = values[0], second = -__builtin_inff();
    for (int64_t i = 1; i < n; i++) {
        if (values[i] > first) second = first, first = values[i];
        else if (values[i] > second) second = values[i];
    }
    return best == 1 ? first : first + second;
}

// Closes the experts of all but the best groups.
ALWAYS_INLINE void close_groups(const tern_route_args *a, const float *values, uint8_t *marks) {
    float scores[TERN_MAX_EXPERTS];
    uint8_t groups[TERN_MAX_EXPERTS];
    const int64_t size = a->count / a->groups;
    for (int64_t g = 0; g < a->groups; g++) {
        scores[g] = group_score(values + g * size, size, a->group_best);
        groups[g] = OPEN;
    }
    choose(scores, a->groups, a->top_groups, groups);
    for (int64_t e = 0; e < a->count; e++)
        if (groups[e / size] == OPEN) marks[e] = CLOSED;
}

// Marks the experts of a token.
ALWAYS_INLINE void choose_experts(
    const tern_route_args *a, const float *logits, const float *scores, uint8_t *marks) {
    float corrected[TERN_MAX_EXPERTS];
    const float *values = a->chooses_by_scores ? scores : logits;
    if (a->correction) {
        for (int64_t e = 0; e < a->count; e++) corrected[e] = values[e] + a->correction[e];
        values = corrected;
    }
    memset(marks, OPEN, (size_t)a->count);
    if (a->groups > 0) close_groups(a, values, marks);
    choose(values, a->count, a->per_token, marks);
}

static void route(void *arguments, tern_share share) {
    tern_route_args *a = arguments;
    float scores[TERN_MAX_EXPERTS];
    uint8_t marks[TERN_MAX_EXPERTS];
    for (claims work = claims_of(share, a->rows); claim(&work);) {
        const int64_t item = work.item;
        const float *logits = a->logits + item * a->logits_row;
        int32_t *ids = a->experts + item * a->per_token;
        float *weights = a->weights + item * a->weights_row;
        if (a->scoring == TERN_SOFTMAX) softmax_scores(logits, a->count, scores);
        else sigmoid_scores(logits, a->count, scores);
        choose_experts(a, logits, scores, marks);
        int64_t slot = 0;
        float sum = 0;
        for (int64_t e = 0; e < a->count; e++) {
            if (marks[e] != CHOSEN) continue;
            ids[slot] = (int32_t)e;
            weights[slot++] = scores[e];
            sum += scores[e];
        }
        sum += a->least_sum;
        for (int64_t j = 0; j < a->per_token; j++)
            weights[j] = (a->renormalizes ? weights[j] / sum : weights[j]) * a->factor;
    }
}

static void combine(void *arguments, tern_share share) {
    tern_combine_args *a = arguments;
    for (claims work = claims_of(share, a->count); claim(&work);) {
        const int64_t item = work.item;
        const int32_t *slots = a->slots + item * a->per_token;
        const int32_t *parts = a->parts + item * a->per_token;
        const float *weights = a->weights + item * a->weights_row;
        float *to = a->output + item * a->output_row;
        for (int64_t i = 0; i < a->width; i += 16) {
            const int64_t lanes = a->width - i;
            v16 sums[TERN_MAX_PARTS];
            for (int part = 0; part < TERN_MAX_PARTS; part++) sums[part] = splat(0);
            for (int64_t j = 0; j < a->per_token; j++) {
                if (slots[j] < 0) continue;
                const v16 row = load_lanes(a->input + slots[j] * a->input_row + i, lanes);
                sums[parts[j]] += splat(weights[j]) * row;
            }
            for (int step = 1; step < TERN_MAX_PARTS; step *= 2)
                for (int part = 0; part < TERN_MAX_PARTS; part += 2 * step)
                    sums[part] += sums[part + step];
            store_lanes(to + i, sums[0], lanes);
        }
    }
}
