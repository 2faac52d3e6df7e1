// What writes into panels: loading weights, and seeded numbers for dummy ones.

#pragma once

#include "elements.h"

// Bytes of `type` for `count` elements of `source_type`, at most PACK_CHUNK of them.
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

static void pack(void *arguments) {
    tern_pack_args *a = arguments;
    const int64_t row_bytes = a->row_stride * type_bytes(a->source_type);
    for (int64_t item; (item = claim(&a->next)) < a->panels;) {
        char *panel = a->weight + item * a->panel_bytes;
        const int64_t start = a->panel_starts[item] - a->panel_starts[0];
        const int64_t rows = a->panel_starts[item + 1] - a->panel_starts[item];
        for (int64_t first = 0; first < a->inputs; first += PACK_CHUNK) {
            const int64_t count = least(PACK_CHUNK, a->inputs - first);
            for (int64_t lane = 0; lane < rows; lane++) {
                char converted[PACK_CHUNK * 4];
                const char *from = a->source + (start + lane) * row_bytes
                    + first * type_bytes(a->source_type);
                convert_chunk(from, a->source_type, converted, a->type, count);
                scatter(converted, count, a->first_input + first, panel, lane, a->type);
            }
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

static void fill_random(void *arguments) {
    tern_fill_random_args *a = arguments;
    enum { CHUNK = 65536 };
    for (int64_t item; (item = claim(&a->next)) * CHUNK < a->count;) {
        const int64_t end = least((item + 1) * CHUNK, a->count);
        if (a->type == TERN_FLOAT32) fill(a, item * CHUNK, end, TERN_FLOAT32);
        if (a->type == TERN_BFLOAT16) fill(a, item * CHUNK, end, TERN_BFLOAT16);
        if (a->type == TERN_FLOAT16) fill(a, item * CHUNK, end, TERN_FLOAT16);
    }
}
