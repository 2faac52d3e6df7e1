// The heart of every product by float32: rows of inputs times panels of weights, summed in
// registers by ascending k, one fused multiply-add each. The counts of rows and panels and the type
// are constants where it is used, so that it unrolls.

#pragma once

#include "elements.h"

// How far ahead inputs that lie side by side are fetched, in elements: of many rows they are more
// than the second cache holds.
enum { INPUTS_FETCHED = 512 };

// The panels that a tile multiplies with: where k = 0 of the first one lies, what lies from one to
// the next, and what is sent for meanwhile.
typedef struct {
    const char *start;
    int64_t stride;
    fetching ahead;
    v16 *floats;  // of WIDENED_BFLOAT16: where k = 0 of the first one goes,
    int64_t each;  // and how many vectors each panel takes
} panel_source;

// The type of bfloat16 that a tile also writes down as float32, for the tiles after it.
enum { WIDENED_BFLOAT16 = TERN_WEIGHT_TYPES };

// The first or the second of each pair of bfloat16.
ALWAYS_INLINE v16 bfloat_lanes(words pairs, int odd) {
    return (v16)(odd ? pairs & 0xFFFF0000u : pairs << 16);
}

// A panel's weights for one k.
ALWAYS_INLINE v16 panel_lanes(const char *panel, int64_t k, const int odd, const int32_t type) {
    if (type == TERN_FLOAT32) return load16(panel + k * 64);
    return type == TERN_FLOAT16 ? load_halves(panel + k * 32)
                                : bfloat_lanes((words)load16(panel + (k - odd) * 32), odd);
}

// Whether the input of row r is read again for panel p, where TERN_READS_AGAIN: that of every
// second row for each panel but the first, in tiles of many sums. Then it is an operand of the
// multiply-add, not an instruction of its own. A core takes up so many instructions at a time for
// both of its threads: with a busy neighbour they are what such a tile waits for. To read all rows'
// inputs again would take longer than to multiply.
ALWAYS_INLINE int reads_again(int r, int p, int sums) {
    return TERN_READS_AGAIN && sums > TILE_SUMS / 2 && p > 0 && r % 2 == 1;
}

// As tile_sums, for one k, whose lowest bit is `odd` and whose inputs begin at `x`. Returns where
// those of the next k begin.
ALWAYS_INLINE const float *tile_step(
    v16 *sums, const float *x, panel_source w, int64_t k, const int odd, const int rows,
    const int panels, const int32_t type) {
    v16 weights[4];
    if (odd) w.ahead.start += 64;
    if (!odd || (type == TERN_FLOAT32 && rows * panels <= TILE_SUMS / 2))
        fetch_lines(
            w.ahead, k >> 1, type == TERN_FLOAT32 ? w.ahead.stride : w.stride, rows, panels);
    UNROLL for (int p = 0; p < panels; p++) {
        weights[p] = panel_lanes(w.start + p * w.stride, k, odd, type);
        if (type == WIDENED_BFLOAT16) w.floats[p * w.each + k] = weights[p];
    }
    UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int p = 0; p < panels; p++) {
            if (reads_again(r, p, rows * panels)) __asm__("" : "+r"(x));
            v16 *sum = &sums[r * panels + p];
            *sum = multiply_add(splat(x[r]), weights[p], *sum);
        }
    return x + rows;
}

// sums[r * panels + p] += x[r] . panel p over k in [first, end), `first` being even.
//
// Element k of row r is x[k * rows + r]. Of TERN_BFLOAT16_PAIRS the second of each pair is added
// first. Of float32 with many sums a line is sent for at every second k: they come from the second
// cache, where fetching costs as much as reading.
ALWAYS_INLINE void tile_sums(
    v16 *sums, const float *x, panel_source w, int64_t first, int64_t end, const int rows,
    const int panels, const int32_t type) {
    const int second_first = type == TERN_BFLOAT16_PAIRS;
    int64_t k = first;
    x += k * rows;
    for (; k + 1 < end; k += 2) {
        if (rows * panels > TILE_SUMS / 2)
            UNROLL for (int line = 0; line < rows; line += 8)
                __builtin_prefetch(x + line * 2 + INPUTS_FETCHED);
        const float *next = tile_step(
            sums, x + second_first * rows, w, k + second_first, second_first, rows, panels, type);
        // Loaded again where sums need the registers: kept, a pair of bfloat16 costs up to a third
        // of the speed with AVX2, by which of them the compiler then spills.
        if (rows * panels > TILE_SUMS / 2) __asm__("" : "+r"(w.start));
        next = tile_step(
            sums, second_first ? x : next, w, k + 1 - second_first, 1 - second_first, rows, panels,
            type);
        x = next + second_first * rows;
    }
    if (k < end) tile_step(sums, x, w, k, 0, rows, panels, type);
}
