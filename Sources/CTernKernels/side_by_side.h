// Rows laid side by side, as tiles of products read them: element k of all rows, then k + 1. An
// element is a float, or a word of other numbers in its place. Squares of four by four are turned
// in registers. Nothing is computed.

#pragma once

#include "vector.h"

// Inputs of a row in a work item; in a line, of which one of each row is on its way at a time when
// inputs are converted; and how far ahead of that they are fetched.
enum { INPUT_CHUNK = 512, LINE_INPUTS = 16, INPUTS_AHEAD = 64 };

ALWAYS_INLINE v4 load4(const float *from) {
    v4 x;
    memcpy(&x, from, sizeof x);
    return x;
}

ALWAYS_INLINE void store4(float *to, v4 x) { memcpy(to, &x, sizeof x); }

// Four elements of four rows that lie `stride` apart, to four columns that lie `rows` apart.
ALWAYS_INLINE void turn_square(const float *from, int64_t stride, float *to, int64_t rows) {
    const v4 a = load4(from), b = load4(from + stride);
    const v4 c = load4(from + 2 * stride), d = load4(from + 3 * stride);
    const v4 ab_low = __builtin_shufflevector(a, b, 0, 4, 1, 5);
    const v4 ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    const v4 cd_low = __builtin_shufflevector(c, d, 0, 4, 1, 5);
    const v4 cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    store4(to, __builtin_shufflevector(ab_low, cd_low, 0, 1, 4, 5));
    store4(to + rows, __builtin_shufflevector(ab_low, cd_low, 2, 3, 6, 7));
    store4(to + 2 * rows, __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5));
    store4(to + 3 * rows, __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7));
}

// to[k * rows + r] = from[r * stride + k] for k below `count`.
//
// Four rows at a time; the last four may overlap those before them and write the same again. A
// line of each is used up before the next rows come: rows often lie so that a dozen of their lines
// do not find room in the first cache together.
ALWAYS_INLINE void lay_side_by_side(
    const float *from, int64_t stride, int64_t rows, int64_t count, float *to) {
    if (rows == 1) {
        memcpy(to, from, (size_t)count * sizeof *to);
        return;
    }
    const int64_t squared = rows < 4 ? 0 : count / 4 * 4;
    for (int64_t line = 0; line < squared; line += 16)
        for (int64_t first = 0; first < rows; first += 4) {
            const int64_t r = least(first, rows - 4), end = least(line + 16, squared);
            for (int64_t k = line; k < end; k += 4)
                turn_square(from + r * stride + k, stride, to + k * rows + r, rows);
        }
    for (int64_t r = 0; r < rows; r++)
        for (int64_t k = squared; k < count; k++)
            memcpy(to + k * rows + r, from + r * stride + k, sizeof *to);
}
