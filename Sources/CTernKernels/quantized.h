// Products with weights of 8 or 4 bits: rows of inputs become bytes with a scale for each segment,
// and whole numbers are multiplied and summed, exactly, so that no order of theirs shows in the
// result. A segment is what a part and a group of weights have in common; segments are added in
// ascending order within a part, parts by the tree of linear.h.

#pragma once

#include "dot4.h"
#include "side_by_side.h"
#include "tile.h"

typedef int8_t byte16 __attribute__((vector_size(16)));
typedef uint8_t ubyte16 __attribute__((vector_size(16)));

ALWAYS_INLINE int is_quantized(int32_t type) {
    return type == TERN_CHANNEL_INT8 || type == TERN_GROUPED_INT4;
}

// Inputs that share a word of a panel.
ALWAYS_INLINE int64_t word_inputs(int32_t type) { return type == TERN_CHANNEL_INT8 ? 4 : 8; }

ALWAYS_INLINE int64_t word_bytes(int64_t inputs, int32_t type) {
    return quotient_up(inputs, word_inputs(type)) * 64;
}

// Where the segment that begins at an input ends.
ALWAYS_INLINE int64_t segment_end(int64_t first, int64_t part_end, int64_t group) {
    return least(part_end, (first / group + 1) * group);
}

// Walks the segments [K, END) of all parts, in order.
#define FOR_EACH_SEGMENT(K, END, PART_ENDS, PARTS, GROUP) \
    for (int64_t part = 0; part < (PARTS); part++) \
        for (int64_t K = (PART_ENDS)[part], END; \
             K < (PART_ENDS)[part + 1] \
             && (END = segment_end(K, (PART_ENDS)[part + 1], GROUP), 1); \
             K = END)

ALWAYS_INLINE int64_t segment_count(
    const int64_t *part_ends, int64_t parts, int64_t group) {
    int64_t count = 0;
    FOR_EACH_SEGMENT(k, end, part_ends, parts, group) count++;
    return count;
}

// The nearest whole numbers, ties to even.
ALWAYS_INLINE ints rounded16(v16 x) {
    const v16 shifted = x + splat(ROUNDING_SHIFT);
    return (ints)shifted - (ints)splat(ROUNDING_SHIFT);
}

// How inputs of a segment become whole numbers: 127 steps to the largest magnitude. Where that is
// so small that its steps have no number, all are zero; where one is infinite or none, the scale
// is none, so that the sums are none either. The next row's are fetched meanwhile.
typedef struct {
    float scale, inverse;  // no inverse: all zero
} input_steps;

ALWAYS_INLINE input_steps steps_of(const float *from, int64_t count, int64_t stride) {
    words magnitudes = {0};
    for (int64_t i = 0; i < count; i += 16) {
        __builtin_prefetch(from + stride + i);
        magnitudes = __builtin_elementwise_max(
            magnitudes, (words)load_lanes(from + i, count - i) & 0x7FFFFFFFu);
    }
    // As whole numbers, so that one that is no number is the largest.
    const uint32_t bits = __builtin_reduce_max(magnitudes);
    const float largest = bits_float(bits), inverse = 127 / largest;
    if (bits >= 0x7F800000u) return (input_steps){__builtin_nanf(""), 0};
    return inverse < __builtin_inff() ? (input_steps){largest / 127, inverse} : (input_steps){0, 0};
}

// Sixteen inputs as whole numbers.
ALWAYS_INLINE ints quantized16(const float *from, int64_t count, input_steps steps) {
    if (!(steps.inverse > 0)) return (ints){0};
    return rounded16(load_lanes(from, count) * splat(steps.inverse));
}

// Inputs of the rows of a tile as words of four bytes, side by side; `totals` become their sums.
ALWAYS_INLINE void quantize_segment(
    const float *from, int64_t stride, int64_t rows, int64_t count, const input_steps *steps,
    float *to, int32_t *totals) {
    ints sums[TILE_ROWS];
    for (int64_t r = 0; r < rows; r++) sums[r] = (ints){0};
    for (int64_t i = 0; i < count; i += LINE_INPUTS) {
        float words[TILE_ROWS][LINE_INPUTS / 4];
        for (int64_t r = 0; r < rows; r++) {
            const float *x = from + r * stride + i;
            __builtin_prefetch(x + INPUTS_AHEAD);
            const ints q = quantized16(x, count - i, steps[r]);
            const byte16 packed = __builtin_convertvector(q, byte16);
            memcpy(words[r], &packed, sizeof packed);
            sums[r] += q;
        }
        const int64_t each = least(LINE_INPUTS / 4, quotient_up(count - i, 4));
        lay_side_by_side(words[0], LINE_INPUTS / 4, rows, each, to + i / 4 * rows);
    }
    for (int64_t r = 0; r < rows; r++) totals[r] = __builtin_reduce_add(sums[r]);
}

// One part of the rows of a tile: their bytes, and for each segment of the part and each row the
// scale and the sum of the bytes. Rows, `to`, `scales` and `sums` begin where the first part does.
static void quantize_part(
    const tern_pack_input_args *a, const float *from, int64_t rows, int64_t only_part, float *to,
    float *scales, int32_t *sums) {
    FOR_EACH_SEGMENT(k, end, a->part_ends, a->parts, a->group) {
        if (part == only_part) {
            const int64_t first = k - a->part_ends[0], stride = a->input_stride;
            input_steps steps[TILE_ROWS];
            for (int64_t r = 0; r < rows; r++) {
                steps[r] = steps_of(from + r * stride + first, end - k, stride);
                scales[r] = steps[r].scale;
            }
            quantize_segment(
                from + first, stride, rows, end - k, steps, to + first / 4 * rows, sums);
        }
        scales += rows;
        sums += rows;
    }
}

ALWAYS_INLINE ints splat_word(int32_t x) {
    return (ints){x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x};
}

// counts[r * panels + p] += the products of one word of four inputs of each row, from `x` on, and
// panel. Returns where the next begin.
ALWAYS_INLINE const int32_t *count_word(
    ints *counts, const int32_t *x, const words *weights, const int rows, const int panels) {
    UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int p = 0; p < panels; p++) {
            // Without VNNI more is made of an input than an operand.
            if (TERN_DOT == TERN_DOT_VNNI && reads_again(r, p, rows * panels))
                __asm__("" : "+r"(x));
            ints *count = &counts[r * panels + p];
            *count = dot4(*count, weights[p], splat_word(x[r]));
        }
    return x + rows;
}

// counts[r * panels + p] += x[r] . panel p over inputs [first, end), as whole numbers.
ALWAYS_INLINE void count_tile(
    ints *counts, const int32_t *x, panel_source w, int64_t first, int64_t end, const int rows,
    const int panels, const int32_t type) {
    words weights[4];
    x += (first >> 2) * rows;
    if (type == TERN_CHANNEL_INT8) {
        for (int64_t k = first; k < end; k += 4) {
            if (rows * panels > TILE_SUMS / 2) __builtin_prefetch(x + INPUTS_FETCHED);
            fetch_lines(w.ahead, k >> 2, w.stride, rows, panels);
            UNROLL for (int p = 0; p < panels; p++)
                weights[p] = (words)load16(w.start + p * w.stride + k * 16);
            x = count_word(counts, x, weights, rows, panels);
        }
        return;
    }
    for (int64_t k = first; k < end; k += 8) {
        const char *from = w.start + k * 8;
        fetch_lines(w.ahead, k >> 3, w.stride, rows, panels);
        UNROLL for (int p = 0; p < panels; p++)
            weights[p] = (words)load16(from + p * w.stride) & 0x0F0F0F0Fu;
        x = count_word(counts, x, weights, rows, panels);
        // Loaded again where counts need the registers.
        if (rows * panels > TILE_SUMS / 2) __asm__("" : "+r"(from));
        UNROLL for (int p = 0; p < panels; p++)
            weights[p] = (words)load16(from + p * w.stride) >> 4 & 0x0F0F0F0Fu;
        x = count_word(counts, x, weights, rows, panels);
    }
}

// The scales and zero points of a group of inputs of one panel, as they lie behind its words.
ALWAYS_INLINE v16 group_scales(
    const char *panel, int64_t stored_inputs, int64_t group, const int32_t type) {
    const char *scales = panel + word_bytes(stored_inputs, type);
    return type == TERN_CHANNEL_INT8 ? load16(scales) : load_halves(scales + group * 32);
}

ALWAYS_INLINE ints group_zeros(
    const char *panel, int64_t stored_inputs, int64_t groups, int64_t group, const int32_t type) {
    if (type == TERN_CHANNEL_INT8) return (ints){0} + 128;
    ubyte16 zeros;
    memcpy(
        &zeros, panel + word_bytes(stored_inputs, type) + groups * 32 + group * 16, sizeof zeros);
    return __builtin_convertvector(zeros, ints);
}

// Sends for the scales and zero points of a tile's panels. They lie behind the words and are read a
// line now and then, too seldom for the processor to see them coming.
ALWAYS_INLINE void fetch_groups(
    panel_source w, int64_t panel_bytes, int64_t stored_inputs, const int panels,
    const int32_t type) {
    UNROLL for (int p = 0; p < panels; p++) {
        const char *panel = w.start + p * w.stride;
        for (int64_t i = word_bytes(stored_inputs, type); i < panel_bytes; i += 64)
            fetch_line(panel + i);
    }
}

// One whole number of a panel.
ALWAYS_INLINE int quantized_element(
    const char *panel, int64_t lane, int64_t input, const int32_t type) {
    if (type == TERN_CHANNEL_INT8)
        return (uint8_t)panel[(input / 4 * 16 + lane) * 4 + input % 4];
    const uint8_t two = (uint8_t)panel[(input / 8 * 16 + lane) * 4 + input % 4];
    return input % 8 < 4 ? two & 0x0F : two >> 4;
}

// sums[r * panels + p] = x[r] . panel p over one part, from its segment on, which advances.
ALWAYS_INLINE void quantized_part(
    const tern_linear_args *a, v16 *sums, const int32_t *x, const float *scales,
    const int32_t *input_sums, int64_t *segment, panel_source w, int64_t first,
    int64_t part_end, const int rows, const int panels, const int32_t type) {
    const int64_t groups = quotient_up(a->stored_inputs, a->group);
    for (int64_t k = first, end; k < part_end; k = end, ++*segment) {
        end = segment_end(k, part_end, a->group);
        ints counts[TILE_SUMS];
        UNROLL for (int r = 0; r < rows; r++) {
            // Of bytes all zero points are one; those of groups are taken away below.
            const int32_t zeros =
                type == TERN_CHANNEL_INT8 ? 128 * input_sums[*segment * rows + r] : 0;
            UNROLL for (int p = 0; p < panels; p++) counts[r * panels + p] = splat_word(-zeros);
        }
        count_tile(counts, x, w, k, end, rows, panels, type);
        UNROLL for (int p = 0; p < panels; p++) {
            const char *panel = w.start + p * w.stride;
            const v16 scale = group_scales(panel, a->stored_inputs, k / a->group, type);
            const ints zero = group_zeros(panel, a->stored_inputs, groups, k / a->group, type);
            UNROLL for (int r = 0; r < rows; r++) {
                ints count = counts[r * panels + p];
                if (type == TERN_GROUPED_INT4) count -= zero * input_sums[*segment * rows + r];
                v16 *sum = &sums[r * panels + p];
                *sum = multiply_add(
                    __builtin_convertvector(count, v16), splat(scales[*segment * rows + r]) * scale,
                    *sum);
            }
        }
    }
}
