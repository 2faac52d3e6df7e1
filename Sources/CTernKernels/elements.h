// Conversion between float32 and the types that weights and caches are held in: whole vectors on
// the way in, rounding to nearest with ties to even on the way out. The same bits as DType's.

#pragma once

#include "vector.h"

ALWAYS_INLINE int64_t type_bytes(int32_t type) {
    return type == TERN_FLOAT32 ? 4 : type == TERN_INT8 ? 1 : 2;
}

ALWAYS_INLINE float bits_float(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

ALWAYS_INLINE uint32_t float_bits(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

ALWAYS_INLINE float half_float(uint16_t half) {
    const uint32_t magnitude = half & 0x7FFF, sign = (uint32_t)(half & 0x8000) << 16;
    if (magnitude >= 0x7C00)  // infinite, or a NaN, which becomes quiet
        return bits_float(
            sign | 0x7F800000 | magnitude << 13 | (magnitude > 0x7C00 ? 0x400000 : 0));
    // The power of two rebases the exponent, and makes subnormals normal.
    return bits_float(sign | float_bits(bits_float(magnitude << 13) * 0x1p112f));
}

ALWAYS_INLINE uint16_t float_half(float x) {
    const uint32_t bits = float_bits(x), magnitude = bits & 0x7FFFFFFF;
    const uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
    if (magnitude > 0x7F800000) return sign | 0x7E00 | (magnitude >> 13 & 0x3FF);
    if (magnitude >= 0x47800000) return sign | 0x7C00;
    if (magnitude < 0x38800000)  // subnormal: adding 0.5 rounds at the last place of a half
        return sign | (uint16_t)(float_bits(bits_float(magnitude) + 0.5f) - 0x3F000000);
    return sign | (uint16_t)((magnitude - 0x38000000 + 0xFFF + (magnitude >> 13 & 1)) >> 13);
}

ALWAYS_INLINE uint16_t float_bfloat(float x) {
    const uint32_t bits = float_bits(x);
    if ((bits & 0x7FFFFFFF) > 0x7F800000) return (uint16_t)(bits >> 16) | 0x40;
    return (uint16_t)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

ALWAYS_INLINE float load_element(const char *from, int32_t type) {
    uint32_t word = 0;
    memcpy(&word, from, type == TERN_FLOAT32 ? 4 : 2);
    if (type == TERN_FLOAT32) return bits_float(word);
    if (type == TERN_BFLOAT16) return bits_float(word << 16);
    return half_float((uint16_t)word);
}

ALWAYS_INLINE void store_element(char *to, float x, int32_t type) {
    if (type == TERN_FLOAT32) {
        memcpy(to, &x, 4);
    } else {
        const uint16_t half = type == TERN_BFLOAT16 ? float_bfloat(x) : float_half(x);
        memcpy(to, &half, 2);
    }
}

// Sixteen halves.
ALWAYS_INLINE v16 load_halves(const char *from) {
#if TERN_HAS_HALF
    halves x;
    memcpy(&x, from, sizeof x);
    return __builtin_convertvector(x, v16);
#else
    v16 x;
    for (int lane = 0; lane < 16; lane++) x[lane] = load_element(from + 2 * lane, TERN_FLOAT16);
    return x;
#endif
}

// Sixteen bytes.
ALWAYS_INLINE v16 load_bytes(const char *from) {
    bytes x;
    memcpy(&x, from, sizeof x);
    return __builtin_convertvector(x, v16);
}

// Sixteen elements.
ALWAYS_INLINE v16 load_elements(const char *from, int32_t type) {
    if (type == TERN_FLOAT32) return load16(from);
    if (type == TERN_FLOAT16) return load_halves(from);
    shorts x;
    memcpy(&x, from, sizeof x);
    return (v16)(__builtin_convertvector(x, words) << 16);
}

// Sixteen numbers as float_bfloat rounds them, in the upper halves of words.
ALWAYS_INLINE words rounded_bfloats(v16 x) {
    const words bits = (words)x;
    const words nan = (words)((bits & 0x7FFFFFFF) > 0x7F800000);
    const words rounded = bits + 0x7FFF + (bits >> 16 & 1);
    return ((rounded & ~nan) | ((bits | 0x400000) & nan)) & 0xFFFF0000u;
}

ALWAYS_INLINE void store_elements(char *to, v16 x, int32_t type) {
    if (type == TERN_FLOAT32) {
        store16(to, x);
    } else if (type == TERN_BFLOAT16) {
        const shorts narrow = __builtin_convertvector(rounded_bfloats(x) >> 16, shorts);
        memcpy(to, &narrow, sizeof narrow);
    } else {
#if TERN_HAS_HALF
        const halves narrow = __builtin_convertvector(x, halves);
        memcpy(to, &narrow, sizeof narrow);
#else
        for (int lane = 0; lane < 16; lane++) store_element(to + 2 * lane, x[lane], type);
#endif
    }
}

// Where an element of a panel lies; see PackedWeight.
ALWAYS_INLINE int64_t panel_offset(int64_t lane, int64_t input, int32_t type) {
    return type == TERN_BFLOAT16 ? (input / 2 * 16 + lane) * 2 + input % 2 : input * 16 + lane;
}
