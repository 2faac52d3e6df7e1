// Weights of 8 or 4 bits as AMX's tiles are loaded, and what their whole numbers are worth. Words
// of a panel lie as tiles want them; those of 4 bits are unfolded on the way. Whole numbers are
// exact in any order, and what becomes of them is in the order of quantized.h: bits are those of
// every set.

#pragma once

#include "blocks_amx.h"

// A panel's 64 inputs from `k` on: where they lie, or a copy where the panel has no more than some
// of them. What is beyond a segment meets zeros.
ALWAYS_INLINE const void *panel_chunk(const char *panel, int64_t stored, int64_t k, void *copy) {
    const int64_t lines = quotient_up(stored, 4) - k / 4;
    if (lines >= TILE_HEIGHT) return panel + k * 16;
    memcpy(copy, panel + k * 16, (size_t)lines * CHUNK);
    return copy;
}

// Some of the lines of a segment's 4 bits of one panel, as signed bytes, the zero points taken
// away.
ALWAYS_INLINE void unfold(
    tile_block *b, const segment_place *s, int64_t first, int64_t end, const int panel) {
    const tern_linear_args *a = b->a;
    typedef uint8_t bytes64 __attribute__((vector_size(64)));
    end = least(end, quotient_up(s->end - s->first, 8));
    if (first >= end) return;
    const char *weight = b->weight + panel * a->panel_bytes;
    const int64_t groups = quotient_up(a->stored_inputs, a->group);
    const ints zero = group_zeros(
        weight, a->stored_inputs, groups, s->first / a->group, TERN_GROUPED_INT4);
    const bytes64 zeros = (bytes64)(zero * 0x01010101);
    const char *from = weight + s->first * 8 + first * CHUNK;
    uint8_t *to = b->unfolded[s->index & 1][panel][0][0] + first * 2 * CHUNK;
    for (; first < end; first++, from += CHUNK, to += 2 * CHUNK) {
        const words two = (words)load16(from);
        const bytes64 low = (bytes64)(two & 0x0F0F0F0Fu) - zeros;
        const bytes64 high = (bytes64)(two >> 4 & 0x0F0F0F0Fu) - zeros;
        memcpy(to, &low, sizeof low);
        memcpy(to + CHUNK, &high, sizeof high);
    }
}

// Where 64 inputs of a panel lie as a tile wants them.
ALWAYS_INLINE const void *quantized_weights(
    tile_block *b, const segment_place *s, int64_t chunk, const int panel, const int32_t type) {
    uint8_t (*const lines)[TILE_HEIGHT][CHUNK] = b->unfolded[s->index & 1][panel];
    if (type == TERN_GROUPED_INT4) return lines[chunk];
    const char *weight = b->weight + panel * b->a->panel_bytes;
    const int64_t k = s->first + chunk * CHUNK;
    return panel_chunk(weight, b->a->stored_inputs, k, lines);
}
