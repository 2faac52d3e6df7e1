// The two ops of mixtures of experts that are no products: choosing the experts of a token, and
// summing what they gave. An item is a token.

#pragma once

#include "vector.h"

// exp(logit - the largest) of each expert, and their sum in rms_norm's order.
ALWAYS_INLINE float softmax_terms(const float *logits, int64_t experts, float *terms) {
    v16 largest = splat(logits[0]);
    for (int64_t i = 0; i < experts; i++) largest[i % 16] = larger(largest[i % 16], logits[i]);
    const v16 top = splat(lane_max(largest));
    v16 sums = splat(0);
    for (int64_t i = 0; i < experts; i += 16) {
        const int64_t lanes = experts - i;
        store_lanes(terms + i, exponential(load_lanes(logits + i, lanes) - top), lanes);
        sums += load_lanes(terms + i, lanes);
    }
    return lane_sum(sums);
}

// Marks the `count` largest logits, the first of equals.
ALWAYS_INLINE void choose(const float *logits, int64_t experts, int64_t count, uint8_t *chosen) {
    memset(chosen, 0, (size_t)experts);
    for (int64_t taken = 0; taken < count; taken++) {
        int64_t best = -1;
        for (int64_t e = 0; e < experts; e++)
            if (!chosen[e] && (best < 0 || logits[e] > logits[best])) best = e;
        chosen[best] = 1;
    }
}

static void route(void *arguments) {
    tern_route_args *a = arguments;
    float terms[TERN_MAX_EXPERTS];
    uint8_t chosen[TERN_MAX_EXPERTS];
    for (int64_t item; (item = claim(&a->next)) < a->rows;) {
        const float *logits = a->logits + item * a->logits_row;
        int32_t *ids = a->experts + item * a->per_token;
        float *weights = a->weights + item * a->weights_row;
        const float sum = softmax_terms(logits, a->count, terms);
        choose(logits, a->count, a->per_token, chosen);
        int64_t slot = 0;
        float total = 0;
        for (int64_t e = 0; e < a->count; e++) {
            if (!chosen[e]) continue;
            ids[slot] = (int32_t)e;
            weights[slot] = terms[e] / sum;
            total += weights[slot++];
        }
        if (!a->renormalizes) continue;
        for (int64_t j = 0; j < a->per_token; j++) weights[j] /= total;
    }
}

static void combine(void *arguments) {
    tern_combine_args *a = arguments;
    for (int64_t item; (item = claim(&a->next)) < a->count;) {
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
