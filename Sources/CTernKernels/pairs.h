// Products of bfloat16 weights with inputs that are rounded to bfloat16: pairs of neighbouring
// inputs at once, where the processor has an instruction for that. Of each pair the second product
// is added first, one fused multiply-add each, as that instruction does; so all sets agree, but for
// numbers below 2^-126, which it takes for zeros.
//
// Source: VDPBF16PS in Intel's manual; found the same on an EPYC 9004, 32 million sums.

#pragma once

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

// One row of a tile of `rows`, rounded.
ALWAYS_INLINE void round_row(const float *from, int64_t inputs, uint32_t *to, int64_t rows) {
    for (int64_t i = 0; i < inputs; i += 16) {
        uint32_t pairs[8];
        store_elements((char *)pairs, load_lanes(from + i, inputs - i), TERN_BFLOAT16);
        for (int64_t word = 0; word < 8 && i + word * 2 < inputs; word++)
            to[(i / 2 + word) * rows] = pairs[word];
    }
}
