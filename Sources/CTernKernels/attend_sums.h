// The two inner loops of attention: queries' elements times keys, and weights times values. Both
// are rows of numbers times panels of 16 lanes, summed by ascending k, one fused multiply-add each;
// a panel holds its k in pairs. Of TERN_BFLOAT16_PAIRS, whose rows are rounded to bfloat16, the
// second of each pair is added first, as pairs.h has it.

#pragma once

#include "pairs.h"

// Which k of a pair are added.
enum { ATTEND_FIRST = 1, ATTEND_SECOND = 2, ATTEND_BOTH = 3 };

// One k of a pair of them in a panel; `odd` says which.
ALWAYS_INLINE v16 attend_load(const char *pair, const int odd, const int32_t type) {
    if (type == TERN_FLOAT32) return load16(pair + odd * 64);
    if (type == TERN_FLOAT16) return load_halves(pair + odd * 32);
    if (type == TERN_INT8) return load_bytes(pair + odd * 16);
    return bfloat_lanes((words)load16(pair), odd);
}

// sums[r * panels + p] += x[r] . panel p for one k of a pair; `x` is at that k.
ALWAYS_INLINE void attend_step(
    v16 *sums, const float *x, int64_t x_r, const char *pair, int64_t panel_bytes, const int odd,
    const int rows, const int panels, const int32_t type) {
    UNROLL for (int p = 0; p < panels; p++) {
        // Elements are loaded again for each panel, and the pair for its odd half: kept, they take
        // registers that the sums need, which costs an eighth of the speed.
        __asm__("" : "+r"(pair), "+r"(x));
        const v16 value = attend_load(pair + p * panel_bytes, odd, type);
        UNROLL for (int r = 0; r < rows; r++)
            sums[r * panels + p] = multiply_add(splat(x[r * x_r]), value, sums[r * panels + p]);
    }
}

#if TERN_HAS_BFLOAT16
// As attend_step for a pair at once. What is not added is taken for zero on both sides: its slot
// may hold anything.
ALWAYS_INLINE void attend_dot(
    v16 *sums, const float *x, int64_t x_r, const char *pair, int64_t panel_bytes, const int added,
    const int rows, const int panels) {
    const uint32_t mask = (added & ATTEND_FIRST ? 0xFFFFu : 0)
        | (added & ATTEND_SECOND ? 0xFFFF0000u : 0);
    UNROLL for (int p = 0; p < panels; p++) {
        __asm__("" : "+r"(x));
        const words value = (words)load16(pair + p * panel_bytes) & mask;
        UNROLL for (int r = 0; r < rows; r++)
            sums[r * panels + p] =
                dot2(sums[r * panels + p], value, splat_pair(float_bits(x[r * x_r]) & mask));
    }
}
#endif

// sums[r * panels + p] += x[r] . panel p for the pair at k, which is even, or one of it.
ALWAYS_INLINE void attend_pair(
    v16 *sums, const float *x, int64_t x_k, int64_t x_r, const char *panel, int64_t panel_bytes,
    int64_t k, const int added, const int rows, const int panels, const int32_t type) {
    const char *pair = panel + k * 16 * type_bytes(type);
    const int second_first = type == TERN_BFLOAT16_PAIRS;
    x += rounded_words(k, type) * x_k;
#if TERN_HAS_BFLOAT16
    if (second_first)
        return attend_dot(sums, x, x_r, pair, panel_bytes, added, rows, panels);
#endif
    UNROLL for (int step = 0; step < 2; step++) {
        const int odd = step ^ second_first;
        if (added & (odd ? ATTEND_SECOND : ATTEND_FIRST))
            attend_step(sums, x + odd * x_k, x_r, pair, panel_bytes, odd, rows, panels, type);
    }
}

// sums[r * panels + p] += x[r] . panel p over k in [first, end), ascending, or by ascending pairs.
//
// Meanwhile what comes next is fetched: what lies `ahead` of each panel's elements, and what
// corresponds to them in `next`, if it is given.
ALWAYS_INLINE void attend_sums(
    v16 *sums, const float *x, int64_t x_k, int64_t x_r, const char *panel, int64_t panel_bytes,
    int64_t ahead, const char *const *next, int64_t first, int64_t end, const int rows,
    const int panels, const int32_t type) {
    const int64_t step = 16 * type_bytes(type);
    int64_t k = first;
    if (k % 2 && k < end) {
        attend_pair(
            sums, x, x_k, x_r, panel, panel_bytes, k - 1, ATTEND_SECOND, rows, panels, type);
        k++;
    }
    for (; k + 1 < end; k += 2) {
        UNROLL for (int p = 0; p < panels; p++) {
            const char *pair = panel + k * step + p * panel_bytes;
            fetch_line(pair + ahead);
            if (type == TERN_FLOAT32) fetch_line(pair + ahead + step);
            if (!next) continue;
            fetch_line(next[p] + k * step);
            if (type == TERN_FLOAT32) fetch_line(next[p] + (k + 1) * step);
        }
        attend_pair(sums, x, x_k, x_r, panel, panel_bytes, k, ATTEND_BOTH, rows, panels, type);
    }
    if (k < end)
        attend_pair(sums, x, x_k, x_r, panel, panel_bytes, k, ATTEND_FIRST, rows, panels, type);
}
