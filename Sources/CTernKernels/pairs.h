// Products of bfloat16 weights with inputs that are rounded to bfloat16, in the order of the
// instruction that multiplies pairs of neighbouring inputs at once: of each pair the second product
// is added first, one fused multiply-add each. Sets without it, or whose processors are slower with
// it, add in that order what tile.h multiplies; so all sets agree, but for numbers below 2^-126,
// which the instruction takes for zeros.
//
// Source: VDPBF16PS in Intel's manual; found the same on an EPYC 9004, 32 million sums.

#pragma once

#include "side_by_side.h"
#include "tile.h"

// Words of one row's inputs: pairs where the instruction takes them rounded, else floats.
ALWAYS_INLINE int64_t rounded_words(int64_t inputs, int32_t type) {
    return TERN_HAS_BFLOAT16 && type == TERN_BFLOAT16_PAIRS ? quotient_up(inputs, 2) : inputs;
}

#if TERN_HAS_BFLOAT16
typedef __bf16 bfloats __attribute__((vector_size(64)));
typedef __bf16 short_bfloats __attribute__((vector_size(32)));

ALWAYS_INLINE v16 dot2(v16 sum, words weights, words inputs) {
    return (v16)__builtin_ia32_dpbf16ps_512(sum, (bfloats)weights, (bfloats)inputs);
}

ALWAYS_INLINE words splat_pair(uint32_t x) {
    return (words){x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x};
}

// By the instruction, which takes what is below 2^-126 for zero, as the product would.
ALWAYS_INLINE void store_words(float *to, v16 x) {
    const short_bfloats narrow = __builtin_ia32_cvtneps2bf16_512_mask(x, (short_bfloats){0}, -1);
    memcpy(to, &narrow, sizeof narrow);
}
#else
ALWAYS_INLINE void store_words(float *to, v16 x) { store16(to, (v16)rounded_bfloats(x)); }
#endif

// Sixteen numbers as they are, or rounded as the type's products take them.
ALWAYS_INLINE void store_rounded(float *to, v16 x, const int32_t type) {
    if (type == TERN_BFLOAT16_PAIRS) store_words(to, x);
    else if (type == TERN_BFLOAT16_CHAINS) store16(to, (v16)rounded_bfloats(x));
    else store16(to, x);
}

// Rounds inputs of the rows of a tile, and lays their words side by side.
ALWAYS_INLINE void round_side_by_side(
    const float *from, int64_t stride, int64_t rows, int64_t count, float *to,
    const int32_t type) {
    const int64_t line_words = rounded_words(LINE_INPUTS, type);
    for (int64_t i = 0; i < count; i += LINE_INPUTS) {
        float line[TILE_ROWS * LINE_INPUTS];
        for (int64_t r = 0; r < rows; r++) {
            const float *x = from + r * stride + i;
            __builtin_prefetch(x + INPUTS_AHEAD);
            const v16 inputs = load_lanes(x, count - i);
            store_rounded(line + r * line_words, inputs, type);
        }
        const int64_t each = least(line_words, rounded_words(count - i, type));
        lay_side_by_side(line, line_words, rows, each, to + rounded_words(i, type) * rows);
    }
}

#if TERN_HAS_BFLOAT16
// sums[r * panels + p] += x[r] . panel p over inputs [first, end); `first` is even, and what is
// beyond an odd end is zero on both sides.
ALWAYS_INLINE void pair_tile(
    v16 *sums, const float *x, panel_source w, int64_t first, int64_t end, const int rows,
    const int panels) {
    words weights[4];
    for (int64_t k = first; k < end; k += 2) {
        fetch_lines(w.ahead, k >> 1, w.stride, rows, panels);
        UNROLL for (int p = 0; p < panels; p++)
            weights[p] = (words)load16(w.start + p * w.stride + k * 32);
        UNROLL for (int r = 0; r < rows; r++) {
            const words inputs = splat_pair(float_bits(x[(k >> 1) * rows + r]));
            UNROLL for (int p = 0; p < panels; p++)
                sums[r * panels + p] = dot2(sums[r * panels + p], weights[p], inputs);
        }
    }
}
#else
ALWAYS_INLINE void pair_tile(
    v16 *sums, const float *x, panel_source w, int64_t first, int64_t end, const int rows,
    const int panels) {
    tile_sums(sums, x, w, first, end, rows, panels, TERN_BFLOAT16_PAIRS);
}
#endif
