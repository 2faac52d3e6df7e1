// Weights of bfloat16 as AMX's tiles are loaded: sixteen pairs of inputs of a panel lie as a tile
// wants them. A product of two tiles is a step of chains.h, so bits are those of every set that
// adds in that order. Tiles start from zeros with each part.

#pragma once

#include "blocks_amx.h"

// Where 32 inputs of a panel lie, or a copy where the part has fewer: what follows in the panel is
// another's, and need not be numbers.
ALWAYS_INLINE const void *rounded_weights(
    tile_block *b, const segment_place *s, int64_t chunk, const int panel) {
    const int64_t k = s->first + chunk * STEP_INPUTS, lines = quotient_up(s->end - k, 2);
    const char *from = b->weight + panel * b->a->panel_bytes + k / 2 * CHUNK;
    if (lines >= TILE_HEIGHT) return from;
    uint8_t *copy = b->unfolded[0][panel][0][0];
    memset(copy, 0, TILE_HEIGHT * CHUNK);
    memcpy(copy, from, (size_t)lines * CHUNK);
    return copy;
}
