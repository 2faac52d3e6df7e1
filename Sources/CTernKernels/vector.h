// Sixteen lanes of float32: the unit in which every kernel is written once, and which the compiler
// turns into one, two or four registers. Only operations whose bits are the same on every
// instruction set are used: IEEE arithmetic, explicit fused multiply-adds, an own exponential.
// Included by each kernels_*.c after its target has been chosen.

#pragma once

#include <stdint.h>
#include <string.h>

#include "tern_kernels.h"

// Vectors are passed to functions that are always inlined, so no calling convention is at stake.
#pragma clang diagnostic ignored "-Wpsabi"

typedef float v16 __attribute__((vector_size(64)));
typedef uint32_t words __attribute__((vector_size(64)));
typedef int32_t masks __attribute__((vector_size(64)));
typedef uint16_t shorts __attribute__((vector_size(32)));
typedef int8_t bytes __attribute__((vector_size(16)));
typedef _Float16 halves __attribute__((vector_size(32)));
typedef float v8 __attribute__((vector_size(32)));
typedef float v4 __attribute__((vector_size(16)));

#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("clang loop unroll(full)")

ALWAYS_INLINE int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
ALWAYS_INLINE int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }
ALWAYS_INLINE int64_t quotient_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Sends for one line of a stream of memory, into the first or the second cache, whichever takes
// streams faster: see kernels_*.c.
ALWAYS_INLINE void fetch_line(const char *line) {
    __builtin_prefetch(line, 0, TERN_FETCH_CACHE == 1 ? 3 : 2);
}

// As fetch_line, of a long stream: the first cache waits for fewer lines at once than memory could
// bring, so what lies TERN_FETCH_FURTHER on is sent for into the second one already. 0: it is not.
ALWAYS_INLINE void fetch_stream(const char *line) {
    fetch_line(line);
    if (TERN_FETCH_FURTHER > 0) __builtin_prefetch(line + TERN_FETCH_FURTHER, 0, 2);
}

// What a product sends for while it multiplies: at step i the line that holds the byte `step` * i
// from `start`, and those `stride` apart from it, one for each panel. Where the panels that are
// read lie as far apart, theirs is used: a loop has no register for another.
typedef struct {
    const char *start;
    int64_t step, stride;
} fetching;

// What is read after `start` in a while.
ALWAYS_INLINE fetching ahead_of(const char *start, int64_t step, int64_t stride) {
    return (fetching){start + TERN_FETCH_AHEAD, step, stride};
}

// Few rows wait for memory, the tiles of many for their sums.
ALWAYS_INLINE void fetch_lines(
    fetching f, int64_t i, int64_t stride, const int rows, const int panels) {
    UNROLL for (int p = 0; p < panels; p++) {
        const char *line = f.start + i * f.step + p * stride;
        if (rows <= TILE_ROWS / 2) fetch_stream(line);
        else fetch_line(line);
    }
}

ALWAYS_INLINE v16 splat(float x) {
    return (v16){x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x};
}

ALWAYS_INLINE v16 load16(const void *from) {
    v16 x;
    memcpy(&x, from, sizeof x);
    return x;
}

ALWAYS_INLINE void store16(void *to, v16 x) { memcpy(to, &x, sizeof x); }

// The first `count` lanes, of fewer than 16: by a mask where the set has them. By a copy of so many
// bytes vectors go through memory, and with them those that are whole.
#if TERN_HAS_MASKS
ALWAYS_INLINE v16 load_some(const float *from, int64_t count) {
    return (v16)__builtin_ia32_loadups512_mask(from, splat(0), (uint16_t)((1u << count) - 1));
}

ALWAYS_INLINE void store_some(float *to, v16 x, int64_t count) {
    __builtin_ia32_storeups512_mask(to, x, (uint16_t)((1u << count) - 1));
}
#else
ALWAYS_INLINE v16 load_some(const float *from, int64_t count) {
    v16 x = splat(0);
    memcpy(&x, from, (size_t)count * sizeof(float));
    return x;
}

ALWAYS_INLINE void store_some(float *to, v16 x, int64_t count) {
    memcpy(to, &x, (size_t)count * sizeof(float));
}
#endif

// The first `count` lanes; zero in the others.
ALWAYS_INLINE v16 load_lanes(const float *from, int64_t count) {
    return count >= 16 ? load16(from) : load_some(from, count);
}

ALWAYS_INLINE void store_lanes(float *to, v16 x, int64_t count) {
    if (count >= 16) store16(to, x);
    else store_some(to, x, count);
}

ALWAYS_INLINE v16 multiply_add(v16 a, v16 b, v16 c) { return __builtin_elementwise_fma(a, b, c); }

ALWAYS_INLINE v16 select16(masks condition, v16 yes, v16 no) {
    return (v16)(((masks)yes & condition) | ((masks)no & ~condition));
}

// Lanes in halves: lane j meets j + 8, then j + 4, j + 2, j + 1.
ALWAYS_INLINE float lane_sum(v16 x) {
    const v8 eight = __builtin_shufflevector(x, x, 0, 1, 2, 3, 4, 5, 6, 7)
        + __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15);
    const v4 four = __builtin_shufflevector(eight, eight, 0, 1, 2, 3)
        + __builtin_shufflevector(eight, eight, 4, 5, 6, 7);
    return (four[0] + four[2]) + (four[1] + four[3]);
}

ALWAYS_INLINE float larger(float a, float b) { return a > b ? a : b; }

ALWAYS_INLINE float lane_max(v16 x) {
    const v8 low = __builtin_shufflevector(x, x, 0, 1, 2, 3, 4, 5, 6, 7);
    const v8 high = __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15);
    const v8 eight = __builtin_elementwise_max(low, high);
    const v4 four = __builtin_elementwise_max(
        __builtin_shufflevector(eight, eight, 0, 1, 2, 3),
        __builtin_shufflevector(eight, eight, 4, 5, 6, 7));
    return larger(larger(four[0], four[2]), larger(four[1], four[3]));
}

// Adding this rounds to a whole number, whose low bits are then those of the sum: 1.5 * 2^23.
#define ROUNDING_SHIFT 12582912.0f

// e^x within 2 units in the last place; 0 below -87.3, finite above 88.
//
// x = n ln 2 + r with |r| <= ln 2 / 2, and the Taylor polynomial of degree 7 in r, whose error
// r^8 / 8! is below 2^-27. Adding and taking away 1.5 * 2^23 rounds to n; the sum's low bits are n.
ALWAYS_INLINE v16 exponential(v16 x) {
    const v16 low = splat(-87.3f), high = splat(88.0f), shift = splat(ROUNDING_SHIFT);
    const v16 clamped = select16(x > high, high, select16(x < low, low, x));
    const v16 shifted = multiply_add(clamped, splat(1.44269504f), shift);
    const v16 n = shifted - shift;
    v16 r = multiply_add(n, splat(-0.693145752f), clamped);
    r = multiply_add(n, splat(-1.42860677e-6f), r);
    v16 p = splat(1.0f / 5040);
    p = multiply_add(p, r, splat(1.0f / 720));
    p = multiply_add(p, r, splat(1.0f / 120));
    p = multiply_add(p, r, splat(1.0f / 24));
    p = multiply_add(p, r, splat(1.0f / 6));
    p = multiply_add(p, r, splat(0.5f));
    p = multiply_add(p, r, splat(1));
    p = multiply_add(p, r, splat(1));
    const v16 power = (v16)(((words)shifted << 23) + 0x3F800000u);
    return select16(x < low, splat(0), p * power);
}

ALWAYS_INLINE v16 sigmoid(v16 x) { return splat(1) / (splat(1) + exponential(-x)); }

// tanh(x) within 4 units in the last place: near zero Lambert's continued fraction to its fifth
// level, elsewhere by the exponential, which would cancel there. The two meet at 5/8.
ALWAYS_INLINE v16 hyperbolic_tangent(v16 x) {
    const v16 square = x * x;
    const v16 above = multiply_add(square + splat(105), square, splat(945));
    const v16 below = multiply_add(multiply_add(splat(15), square, splat(420)), square, splat(945));
    const v16 magnitude = (v16)((words)x & 0x7FFFFFFFu);
    const v16 far = splat(1) - splat(2) / (exponential(magnitude + magnitude) + splat(1));
    const v16 signed_far = (v16)((words)far | ((words)x & 0x80000000u));
    return select16(magnitude < splat(0.625f), x * (above / below), signed_far);
}

ALWAYS_INLINE v16 soft_capped(v16 x, float cap) {
    return splat(cap) * hyperbolic_tangent(x / splat(cap));
}
