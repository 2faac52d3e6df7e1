// The heart of every product: rows of inputs times panels of weights, summed in registers by
// ascending k, one fused multiply-add each. Weights and attention both stand on it. The counts of
// rows and panels and the type are constants where it is used, so that it unrolls.

#pragma once

#include "elements.h"

// How far ahead of its use a panel is fetched.
enum { FETCH_AHEAD = 2048 };

// The first or the second of each pair of bfloat16.
ALWAYS_INLINE v16 bfloat_lanes(words pairs, int odd) {
    return (v16)(odd ? pairs & 0xFFFF0000u : pairs << 16);
}

// As tile_sums, for one k.
ALWAYS_INLINE void tile_step(
    v16 *sums, const float *x, int64_t x_k, int64_t x_r, const char *weight, int64_t panel_bytes,
    int64_t k, const int rows, const int panels, const int32_t type) {
    UNROLL for (int p = 0; p < panels; p++) {
        const char *w = weight + p * panel_bytes;
        v16 value;
        if (type == TERN_FLOAT32) {
            value = load16(w + k * 64);
            __builtin_prefetch(w + k * 64 + FETCH_AHEAD);
        } else if (type == TERN_FLOAT16) {
            value = load_halves(w + k * 32);
            if (k % 2 == 0) __builtin_prefetch(w + k * 32 + FETCH_AHEAD);
        } else {
            value = bfloat_lanes((words)load16(w + (k >> 1) * 64), k % 2);
        }
        UNROLL for (int r = 0; r < rows; r++) {
            v16 *sum = &sums[r * panels + p];
            *sum = multiply_add(splat(x[k * x_k + r * x_r]), value, *sum);
        }
    }
}

// sums[r * panels + p] += x[r] . panel p over k in [first, end).
//
// Element k of row r is x[k * x_k + r * x_r]. `weight` is where the panel's k = 0 lies. Of
// TERN_BFLOAT16_PAIRS the second of each pair is added first, and `first` is even.
ALWAYS_INLINE void tile_sums(
    v16 *sums, const float *x, int64_t x_k, int64_t x_r, const char *weight, int64_t panel_bytes,
    int64_t first, int64_t end, const int rows, const int panels, const int32_t type) {
    int64_t k = first;
    if (type == TERN_BFLOAT16 || type == TERN_BFLOAT16_PAIRS) {
        if (k % 2 && k < end)
            tile_step(sums, x, x_k, x_r, weight, panel_bytes, k++, rows, panels, type);
        for (; k + 1 < end; k += 2) {
            UNROLL for (int p = 0; p < panels; p++) {
                const char *w = weight + p * panel_bytes + k * 32;
                __builtin_prefetch(w + FETCH_AHEAD);
                UNROLL for (int half = 0; half < 2; half++) {
                    const int odd = type == TERN_BFLOAT16 ? half : 1 - half;
                    const v16 value = bfloat_lanes((words)load16(w), odd);
                    UNROLL for (int r = 0; r < rows; r++) {
                        v16 *sum = &sums[r * panels + p];
                        *sum = multiply_add(splat(x[(k + odd) * x_k + r * x_r]), value, *sum);
                    }
                    // Loaded again where sums need the registers: kept, the pair costs up to a
                    // third of the speed with AVX2, by which of them the compiler then spills.
                    if (rows * panels > TILE_SUMS / 2) __asm__("" : "+r"(w));
                }
            }
        }
    }
    for (; k < end; k++)
        tile_step(sums, x, x_k, x_r, weight, panel_bytes, k, rows, panels, type);
}
