// New keys and values on their way into the cache: rounded to its type, or to bytes with a scale
// for each token of a head.

#pragma once

#include "claims.h"
#include "elements.h"

// Where one token of one head lies in the cache.
typedef struct {
    char *keys, *values;  // of its tile
    float *key_scale, *value_scale;
    int64_t token;        // in the tile
} store_place;

ALWAYS_INLINE store_place store_find(const tern_cache *c, int64_t slot, int64_t head) {
    const int64_t place = slot % c->block_size, tile = place / 16, bytes = type_bytes(c->type);
    char *keys = c->blocks + slot / c->block_size * c->block_bytes + head * c->head_bytes;
    float *scales = (float *)(keys + c->scale_offset) + place;
    return (store_place){
        .keys = keys + tile * 16 * c->dimension * bytes,
        .values = keys + c->key_bytes + tile * quotient_up(c->value_dimension, 16) * 256 * bytes,
        .key_scale = scales, .value_scale = scales + c->block_size, .token = place % 16};
}

// A 127th of the largest magnitude; NaN where there is one.
static float store_scale(const float *from, int64_t count) {
    float largest = 0;
    for (int64_t i = 0; i < count; i++) {
        const float magnitude = bits_float(float_bits(from[i]) & 0x7FFFFFFF);
        if (magnitude > largest || magnitude != magnitude) largest = magnitude;
    }
    return largest / 127;
}

// The nearest of -127 through 127 to x / scale, ties to even; 0 where there is none.
ALWAYS_INLINE char store_byte(float x, float scale) {
    const float quotient = x / scale;
    if (scale == 0 || quotient != quotient) return 0;
    const float bounded = quotient > 127 ? 127 : quotient < -127 ? -127 : quotient;
    // The sum's last place is one: adding rounds.
    const float rounded = (bounded + ROUNDING_SHIFT) - ROUNDING_SHIFT;
    return (char)(int32_t)rounded;
}

static void store_bytes(
    const tern_cache *c, store_place place, const float *key, const float *value) {
    const float key_scale = store_scale(key, c->dimension);
    const float value_scale = store_scale(value, c->value_dimension);
    *place.key_scale = key_scale;
    *place.value_scale = value_scale;
    for (int64_t d = 0; d < c->dimension; d++)
        place.keys[d * 16 + place.token] = store_byte(key[d], key_scale);
    for (int64_t d = 0; d < c->value_dimension; d++)
        place.values[d / 16 * 256 + place.token * 16 + d % 16] = store_byte(value[d], value_scale);
}

static void store(void *arguments, tern_share share) {
    tern_store_args *a = arguments;
    const tern_cache *c = &a->cache;
    const int64_t bytes = type_bytes(c->type);
    for (claims work = claims_of(share, a->rows); claim(&work);) {
        const int64_t item = work.item;
        for (int64_t head = 0; head < c->heads; head++) {
            const store_place place = store_find(c, a->slots[item], head);
            const float *key = a->keys + item * a->key_row + head * a->key_head;
            const float *value = a->values + item * a->value_row + head * a->value_head;
            if (c->type == TERN_INT8) {
                store_bytes(c, place, key, value);
                continue;
            }
            for (int64_t d = 0; d < c->dimension; d++) {
                const int64_t offset = panel_offset(place.token, d, c->type);
                store_element(place.keys + offset * bytes, key[d], c->type);
            }
            for (int64_t d = 0; d < c->value_dimension; d++) {
                const int64_t offset = d / 16 * 256 + panel_offset(d % 16, place.token, c->type);
                store_element(place.values + offset * bytes, value[d], c->type);
            }
        }
    }
}
