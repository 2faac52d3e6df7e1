// Products of bfloat16 weights with inputs that are rounded to bfloat16, in the order of AMX's
// tiles, for sets without them and for few rows. A step is 32 inputs, counted from where a part
// begins: the first of each pair are summed by fused multiply-adds from zero, in ascending order,
// and the second likewise; then both chains are added, and that to the sum. What the last step
// lacks counts as zeros. Numbers below 2^-126 are zeros on the way in and out, as tiles have them;
// elsewhere than on x86 they are what they are.
//
// Source: TDPBF16PS in Intel's Architecture Instruction Set Extensions Programming Reference; found
// the same on a Xeon, 102,400 sums.

#pragma once

#include "tile.h"

enum { STEP_INPUTS = 32 };

#if defined(__x86_64__)
// The control word of floating point, and its bits that make zeros of small numbers.
enum { DENORMALS_ARE_ZEROS = 1 << 6, FLUSH_TO_ZERO = 1 << 15 };

ALWAYS_INLINE uint32_t control_word(void) {
    uint32_t word;
    __asm__ volatile("stmxcsr %0" : "=m"(word));
    return word;
}

// Sets the word; what computes `sums` stays on its side of that.
ALWAYS_INLINE void set_control(uint32_t word, v16 *sums) {
    __asm__ volatile("ldmxcsr %1"
                     : "+m"(*(v16(*)[TILE_SUMS])sums)
                     : "m"(word)
                     : "memory");
}
#else
enum { DENORMALS_ARE_ZEROS = 0, FLUSH_TO_ZERO = 0 };
ALWAYS_INLINE uint32_t control_word(void) { return 0; }
ALWAYS_INLINE void set_control(uint32_t word, v16 *sums) {
    (void)word;
    (void)sums;
}
#endif

// One chain of a step: the first of each pair, or the second.
ALWAYS_INLINE void chain(
    v16 *sums, const float *x, panel_source w, int64_t first, int64_t end, const int odd,
    const int rows, const int panels) {
    UNROLL for (int i = 0; i < rows * panels; i++) sums[i] = splat(0);
    for (int64_t k = first + odd; k < end; k += 2)
        tile_step(sums, x + k * rows, w, k, odd, rows, panels, TERN_BFLOAT16);
    // A sum of zeros is not below zero.
    if (end - first < STEP_INPUTS)
        UNROLL for (int i = 0; i < rows * panels; i++) sums[i] += splat(0);
}

// sums[r * panels + p] += x[r] . panel p over a part, inputs [first, end).
ALWAYS_INLINE void chain_tile(
    v16 *sums, const float *x, panel_source w, int64_t first, int64_t end, const int rows,
    const int panels) {
    const uint32_t control = control_word();
    set_control(control | DENORMALS_ARE_ZEROS | FLUSH_TO_ZERO, sums);
    for (int64_t k = first; k < end; k += STEP_INPUTS) {
        const int64_t step_end = least(k + STEP_INPUTS, end);
        v16 even[TILE_SUMS], odd[TILE_SUMS];
        chain(even, x, w, k, step_end, 0, rows, panels);
        chain(odd, x, w, k, step_end, 1, rows, panels);
        UNROLL for (int i = 0; i < rows * panels; i++) sums[i] += even[i] + odd[i];
    }
    set_control(control, sums);
}
