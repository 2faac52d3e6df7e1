// What writes into panels: loading weights, and seeded numbers for dummy ones.

#pragma once

#include "elements.h"

// Inputs that rows of another type are converted by.
enum { PACK_CHUNK = 256 };

ALWAYS_INLINE void convert(
    const char *from, const int32_t source_type, char *to, const int32_t type, int64_t count) {
    const int64_t step = type_bytes(source_type), to_step = type_bytes(type);
    int64_t i = 0;
    for (; i + 16 <= count; i += 16)
        store_elements(to + i * to_step, load_elements(from + i * step, source_type), type);
    for (; i < count; i++)
        store_element(to + i * to_step, load_element(from + i * step, source_type), type);
}

static void convert_chunk(
    const char *from, int32_t source_type, char *to, int32_t type, int64_t count) {
    if (source_type == type) memcpy(to, from, (size_t)(count * type_bytes(type)));
    // Types as constants, so that each loop is of vectors.
#define CONVERT(FROM, TO) \
    else if (source_type == FROM && type == TO) convert(from, FROM, to, TO, count);
    CONVERT(TERN_FLOAT32, TERN_BFLOAT16)
    CONVERT(TERN_FLOAT32, TERN_FLOAT16)
    CONVERT(TERN_BFLOAT16, TERN_FLOAT32)
    CONVERT(TERN_BFLOAT16, TERN_FLOAT16)
    CONVERT(TERN_FLOAT16, TERN_FLOAT32)
    CONVERT(TERN_FLOAT16, TERN_BFLOAT16)
#undef CONVERT
}

// One row's elements of k in [first, first + count) into its lane of a panel.
static void scatter(
    const char *from, int64_t count, int64_t first, char *panel, int64_t lane, int32_t type) {
    if (type == TERN_FLOAT32) {
        char *to = panel + (first * 16 + lane) * 4;
        for (int64_t i = 0; i < count; i++) memcpy(to + i * 64, from + i * 4, 4);
    } else if (type == TERN_FLOAT16) {
        char *to = panel + (first * 16 + lane) * 2;
        for (int64_t i = 0; i < count; i++) memcpy(to + i * 32, from + i * 2, 2);
    } else {
        char *to = panel + (first * 16 + lane * 2) * 2;
        for (int64_t i = 0; i + 1 < count; i += 2) memcpy(to + i * 32, from + i * 2, 4);
        if (count % 2) memcpy(to + (count - 1) * 32, from + (count - 1) * 2, 2);
    }
}

// Of each two of COUNT lines of words that are DISTANCE apart, the words that LOW and HIGH name,
// those of the second counted from 16 on, become the first and the second.
#define LIST(...) __VA_ARGS__
#define EXCHANGE(LINES, COUNT, DISTANCE, LOW, HIGH) \
    UNROLL for (int i = 0; i < COUNT; i++) { \
        if (i & DISTANCE) continue; \
        const words upper = LINES[i], lower = LINES[i + DISTANCE]; \
        LINES[i] = __builtin_shufflevector(upper, lower, LIST LOW); \
        LINES[i + DISTANCE] = __builtin_shufflevector(upper, lower, LIST HIGH); \
    }
// Halves of lines, and each second quarter, change places.
#define EXCHANGE_HALVES(LINES, COUNT, DISTANCE) \
    EXCHANGE(LINES, COUNT, DISTANCE, (0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23), \
        (8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31))
#define EXCHANGE_QUARTERS(LINES, COUNT, DISTANCE) \
    EXCHANGE(LINES, COUNT, DISTANCE, (0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27), \
        (4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31))

// Sixty-four bytes of each of 16 rows into lines of a full panel: word i of row j becomes word j of
// line i. A line of words is a pair of k in bfloat16, a k in float32, two of them in float16.
ALWAYS_INLINE void turn_lines(
    const char *from, int64_t row_bytes, char *to, const int32_t type) {
    words rows[16];
    UNROLL for (int i = 0; i < 16; i++) memcpy(&rows[i], from + i * row_bytes, 64);
    // Blocks of half the size beside the diagonal change places, four times.
    EXCHANGE_HALVES(rows, 16, 8)
    EXCHANGE_QUARTERS(rows, 16, 4)
    EXCHANGE(rows, 16, 2, (0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29),
        (2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31))
    EXCHANGE(rows, 16, 1, (0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30),
        (1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31))
    UNROLL for (int i = 0; i < 16; i++) {
        if (type == TERN_FLOAT16) {
            const shorts even = __builtin_convertvector(rows[i] & 0xFFFF, shorts);
            const shorts odd = __builtin_convertvector(rows[i] >> 16, shorts);
            memcpy(to + i * 64, &even, 32);
            memcpy(to + i * 64 + 32, &odd, 32);
        } else {
            memcpy(to + i * 64, &rows[i], 64);
        }
    }
}

// Rows that have the panel's type already, into its lanes from input `first` on.
ALWAYS_INLINE void lay_rows(
    const char *from, int64_t row_bytes, int64_t rows, int64_t count, int64_t first, char *panel,
    const int32_t type) {
    const int64_t bytes = type_bytes(type), square = 64 / bytes;
    int64_t k = 0;
    if (rows == 16)
        for (; k + square <= count; k += square)
            turn_lines(from + k * bytes, row_bytes, panel + (first + k) * 16 * bytes, type);
    if (k == count) return;
    for (int64_t lane = 0; lane < rows; lane++)
        scatter(from + lane * row_bytes + k * bytes, count - k, first + k, panel, lane, type);
}

static void pack(void *arguments, tern_share share) {
    tern_pack_args *a = arguments;
    const int64_t bytes = type_bytes(a->type);
    for (claims work = claims_of(share, a->panels); claim(&work);) {
        const tern_panel_source s = a->sources[work.item];
        char *panel = a->weight + s.panel * a->panel_bytes;
        for (int64_t first = 0; first < a->inputs; first += PACK_CHUNK) {
            const int64_t count = least(PACK_CHUNK, a->inputs - first);
            const char *from = s.source + first * type_bytes(s.source_type);
            char converted[16 * PACK_CHUNK * 4];
            int64_t step = s.row_bytes;
            if (s.source_type != a->type) {
                step = PACK_CHUNK * bytes;
                for (int64_t lane = 0; lane < s.rows; lane++)
                    convert_chunk(
                        from + lane * s.row_bytes, s.source_type, converted + lane * step,
                        a->type, count);
                from = converted;
            }
            // Types as constants, so that squares are turned in registers.
            const int64_t k = a->first_input + first;
            if (a->type == TERN_BFLOAT16)
                lay_rows(from, step, s.rows, count, k, panel, TERN_BFLOAT16);
            if (a->type == TERN_FLOAT32)
                lay_rows(from, step, s.rows, count, k, panel, TERN_FLOAT32);
            if (a->type == TERN_FLOAT16)
                lay_rows(from, step, s.rows, count, k, panel, TERN_FLOAT16);
        }
    }
}

ALWAYS_INLINE void fill(const tern_fill_random_args *a, int64_t first, int64_t end, int32_t type) {
    // In locals, for a store of chars could else change them, and the loop would not vectorize.
    char *const elements = a->elements;
    const uint64_t seed = a->seed;
    const int32_t mean = a->mean;
    const float step = a->step;
    for (int64_t i = first; i < end; i++) {
        uint64_t hash = seed + ((uint64_t)i + 1) * 0x9E3779B97F4A7C15u;
        hash = (hash ^ hash >> 30) * 0xBF58476D1CE4E5B9u;
        hash = (hash ^ hash >> 27) * 0x94D049BB133111EBu;
        hash ^= hash >> 31;
        const uint64_t sum = (hash & 0xFFFF) + (hash >> 16 & 0xFFFF) + (hash >> 32 & 0xFFFF)
            + (hash >> 48);
        const float x = (float)((int32_t)sum - mean) * step;
        store_element(elements + i * type_bytes(type), x, type);
    }
}

static void fill_random(void *arguments, tern_share share) {
    tern_fill_random_args *a = arguments;
    enum { CHUNK = 65536 };
    for (claims work = claims_of(share, quotient_up(a->count, CHUNK)); claim(&work);) {
        const int64_t item = work.item;
        const int64_t end = least((item + 1) * CHUNK, a->count);
        if (a->type == TERN_FLOAT32) fill(a, item * CHUNK, end, TERN_FLOAT32);
        if (a->type == TERN_BFLOAT16) fill(a, item * CHUNK, end, TERN_BFLOAT16);
        if (a->type == TERN_FLOAT16) fill(a, item * CHUNK, end, TERN_FLOAT16);
    }
}
