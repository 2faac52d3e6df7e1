// What drawing a token needs of all logits of a row: the highest of each chunk, weights, and the
// sums of each chunk's. An item is a few chunks, so that one row occupies all workers. Which token
// is drawn is the sampler's business.

#pragma once

#include "pieces.h"

// Chunks of an item.
enum { CHUNKS_EACH = PIECE / TERN_CHUNK };

typedef struct {
    int64_t first, end;
} chunk_range;

// Claims of the chunks of a row of `count` elements.
ALWAYS_INLINE claims chunk_claims(tern_share share, int64_t count) {
    return claims_of(share, quotient_up(count, CHUNKS_EACH * TERN_CHUNK));
}

ALWAYS_INLINE chunk_range chunks_at(int64_t item, int64_t count) {
    const int64_t first = item * CHUNKS_EACH;
    return (chunk_range){first, least(first + CHUNKS_EACH, quotient_up(count, TERN_CHUNK))};
}

// Up to sixteen values, the rest of the lanes filled.
ALWAYS_INLINE v16 load_filled(const float *from, int64_t count, float fill) {
    if (count >= 16) return load16(from);
    const masks lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    return select16(lane < (int32_t)count, load_lanes(from, count), splat(fill));
}

// Whatever is not above the highest so far, NaN among it, leaves it as it is.
static void chunk_maxima(void *arguments, tern_share share) {
    tern_chunk_maxima_args *a = arguments;
    const float lowest = -__builtin_inff();
    for (claims work = chunk_claims(share, a->count); claim(&work);) {
        const chunk_range c = chunks_at(work.item, a->count);
        for (int64_t chunk = c.first; chunk < c.end; chunk++) {
            const float *from = a->values + chunk * TERN_CHUNK;
            const int64_t count = least(TERN_CHUNK, a->count - chunk * TERN_CHUNK);
            // Four at once, for a comparison takes as long as several more.
            v16 highest[4] = {splat(lowest), splat(lowest), splat(lowest), splat(lowest)};
            int64_t i = 0;
            for (; i + 64 <= count; i += 64)
                UNROLL for (int j = 0; j < 4; j++) {
                    const v16 x = load16(from + i + j * 16);
                    highest[j] = select16(x > highest[j], x, highest[j]);
                }
            for (; i < count; i += 16) {
                const v16 x = load_filled(from + i, count - i, lowest);
                highest[0] = select16(x > highest[0], x, highest[0]);
            }
            UNROLL for (int j = 1; j < 4; j++)
                highest[0] = select16(highest[j] > highest[0], highest[j], highest[0]);
            a->maxima[chunk] = lane_max(highest[0]);
        }
    }
}

static void weigh(void *arguments, tern_share share) {
    tern_weigh_args *a = arguments;
    const v16 highest = splat(a->highest), temperature = splat(a->temperature);
    const v16 least_weight = splat(a->least);
    for (claims work = chunk_claims(share, a->count); claim(&work);) {
        const chunk_range c = chunks_at(work.item, a->count);
        for (int64_t chunk = c.first; chunk < c.end; chunk++) {
            const float *from = a->logits + chunk * TERN_CHUNK;
            float *to = a->weights + chunk * TERN_CHUNK;
            const int64_t count = least(TERN_CHUNK, a->count - chunk * TERN_CHUNK);
            v16 sum = splat(0);
            for (int64_t i = 0; i < count; i += 16) {
                const v16 x = load_filled(from + i, count - i, -__builtin_inff());
                const v16 weight = exponential((x - highest) / temperature);
                const v16 kept = select16(weight >= least_weight, weight, splat(0));
                store_lanes(to + i, kept, count - i);
                sum += kept;
            }
            a->sums[chunk] = lane_sum(sum);
        }
    }
}

static void chunk_sums(void *arguments, tern_share share) {
    tern_chunk_sums_args *a = arguments;
    const v16 least_weight = splat(a->least);
    for (claims work = chunk_claims(share, a->count); claim(&work);) {
        const chunk_range c = chunks_at(work.item, a->count);
        for (int64_t chunk = c.first; chunk < c.end; chunk++) {
            const float *from = a->weights + chunk * TERN_CHUNK;
            const int64_t count = least(TERN_CHUNK, a->count - chunk * TERN_CHUNK);
            v16 sum = splat(0);
            for (int64_t i = 0; i < count; i += 16) {
                const v16 x = load_lanes(from + i, count - i);
                sum += select16(x >= least_weight, x, splat(0));
            }
            a->sums[chunk] = lane_sum(sum);
        }
    }
}
