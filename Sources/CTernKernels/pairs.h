// Products of bfloat16 weights with inputs that are rounded to bfloat16: pairs of neighbouring
// inputs at once, where the processor has an instruction for that. Of each pair the second product
// is added first, one fused multiply-add each, as that instruction does; so all sets agree, but for
// numbers below 2^-126, which it takes for zeros.
//
// Source: VDPBF16PS in Intel's manual; found the same on an EPYC 9004, 32 million sums.

#pragma once

#include "side_by_side.h"
#include "tile.h"

// Words of one row's inputs.
ALWAYS_INLINE int64_t pair_words(int64_t inputs) { return quotient_up(inputs, 2); }

#if TERN_HAS_BFLOAT16
typedef __bf16 bfloats __attribute__((vector_size(64)));

ALWAYS_INLINE v16 dot2(v16 sum, words weights, words inputs) {
    return (v16)__builtin_ia32_dpbf16ps_512(sum, (bfloats)weights, (bfloats)inputs);
}
#else
ALWAYS_INLINE v16 dot2(v16 sum, words weights, words inputs) {
    sum = multiply_add((v16)(inputs & 0xFFFF0000u), (v16)(weights & 0xFFFF0000u), sum);
    return multiply_add((v16)(inputs << 16), (v16)(weights << 16), sum);
}
#endif

ALWAYS_INLINE words splat_pair(uint32_t x) {
    return (words){x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x};
}

// sums[r * panels + p] += x[r] . panel p over inputs [first, end); `first` is even, and what is
// beyond an odd end is zero on both sides.
ALWAYS_INLINE void pair_tile(
    v16 *sums, const uint32_t *x, const char *weight, int64_t panel_bytes, int64_t first,
    int64_t end, const int rows, const int panels) {
    words weights[4];
    for (int64_t k = first; k < end; k += 2) {
        UNROLL for (int p = 0; p < panels; p++) {
            const char *w = weight + p * panel_bytes + k * 32;
            weights[p] = (words)load16(w);
            __builtin_prefetch(w + FETCH_AHEAD);
        }
        UNROLL for (int r = 0; r < rows; r++) {
            const words inputs = splat_pair(x[(k >> 1) * rows + r]);
            UNROLL for (int p = 0; p < panels; p++)
                sums[r * panels + p] = dot2(sums[r * panels + p], weights[p], inputs);
        }
    }
}

// Rounds inputs of the rows of a tile, and lays the pairs side by side.
ALWAYS_INLINE void round_side_by_side(
    const float *from, int64_t stride, int64_t rows, int64_t count, float *to) {
    for (int64_t i = 0; i < count; i += LINE_INPUTS) {
        float pairs[TILE_ROWS][LINE_INPUTS / 2];
        for (int64_t r = 0; r < rows; r++) {
            const float *x = from + r * stride + i;
            __builtin_prefetch(x + INPUTS_AHEAD);
            store_elements((char *)pairs[r], load_lanes(x, count - i), TERN_BFLOAT16);
        }
        const int64_t words = least(LINE_INPUTS / 2, pair_words(count - i));
        lay_side_by_side(pairs[0], LINE_INPUTS / 2, rows, words, to + i / 2 * rows);
    }
}
