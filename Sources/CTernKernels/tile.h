// The heart of every product: rows of inputs times panels of weights, summed in registers by
// ascending k, one fused multiply-add each. Weights and attention both stand on it. The counts of
// rows and panels and the type are constants where it is used, so that it unrolls.

#pragma once

#include "elements.h"

// How far ahead of its use a panel is fetched.
enum { FETCH_AHEAD = 2048 };

// sums[r * panels + p] += x[r] . panel p over k in [first, end).
//
// Element k of row r is x[k * x_k + r * x_r]. `weight` is where the panel's k = 0 lies; `first` is
// even where the type is bfloat16.
ALWAYS_INLINE void tile_sums(
    v16 *sums, const float *x, int64_t x_k, int64_t x_r, const char *weight, int64_t panel_bytes,
    int64_t first, int64_t end, const int rows, const int panels, const int32_t type) {
    int64_t k = first;
    if (type == TERN_BFLOAT16) {
        for (; k + 1 < end; k += 2) {
            const char *w = weight + k * 32;
            UNROLL for (int p = 0; p < panels; p++) {
                const words pair = (words)load16(w + p * panel_bytes);
                __builtin_prefetch(w + p * panel_bytes + FETCH_AHEAD);
                const v16 even = (v16)(pair << 16), odd = (v16)(pair & 0xFFFF0000u);
                UNROLL for (int r = 0; r < rows; r++) {
                    v16 *sum = &sums[r * panels + p];
                    *sum = multiply_add(splat(x[k * x_k + r * x_r]), even, *sum);
                }
                UNROLL for (int r = 0; r < rows; r++) {
                    v16 *sum = &sums[r * panels + p];
                    *sum = multiply_add(splat(x[(k + 1) * x_k + r * x_r]), odd, *sum);
                }
            }
        }
    }
    for (; k < end; k++) {
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
                value = (v16)((words)load16(w + k * 32) << 16);
            }
            UNROLL for (int r = 0; r < rows; r++) {
                v16 *sum = &sums[r * panels + p];
                *sum = multiply_add(splat(x[k * x_k + r * x_r]), value, *sum);
            }
        }
    }
}
