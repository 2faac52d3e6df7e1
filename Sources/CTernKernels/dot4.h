// The one instruction that products of whole numbers stand on, for each instruction set: in every
// lane of 32 bits, four unsigned bytes of a weight times four signed bytes of an input, added up
// without ever being cut off, so that all sets agree.

#pragma once

#include "vector.h"

typedef int32_t ints __attribute__((vector_size(64)));
typedef int16_t short32 __attribute__((vector_size(64)));
typedef int16_t short16 __attribute__((vector_size(32)));
typedef int32_t int8x __attribute__((vector_size(32)));

#if TERN_DOT == TERN_DOT_VNNI
typedef int32_t dot_lanes __attribute__((vector_size(64)));

ALWAYS_INLINE ints dot4(ints sum, words weights, ints inputs) {
    return (ints)__builtin_ia32_vpdpbusd512((dot_lanes)sum, (dot_lanes)weights, (dot_lanes)inputs);
}
#elif TERN_DOT == TERN_DOT_MADD512 || TERN_DOT == TERN_DOT_MADD256
// Neighbouring shorts multiplied and added.
ALWAYS_INLINE ints multiply_add_pairs(short32 a, short32 b) {
#if TERN_DOT == TERN_DOT_MADD512
    return (ints)__builtin_ia32_pmaddwd512(a, b);
#else
    const int8x low = (int8x)__builtin_ia32_pmaddwd256(
        __builtin_shufflevector(a, a, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
        __builtin_shufflevector(b, b, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
    const int8x high = (int8x)__builtin_ia32_pmaddwd256(
        __builtin_shufflevector(
            a, a, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31),
        __builtin_shufflevector(
            b, b, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31));
    return __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
#endif
}

// Even bytes and odd bytes as shorts: unsigned bytes times signed ones would be cut off at 16 bits
// where a processor adds two of their products.
ALWAYS_INLINE ints dot4(ints sum, words weights, ints inputs) {
    const short32 even = (short32)(weights & 0x00FF00FFu);
    const short32 odd = (short32)(weights >> 8 & 0x00FF00FFu);
    const short32 pairs = (short32)inputs;
    return sum + multiply_add_pairs(even, pairs << 8 >> 8) + multiply_add_pairs(odd, pairs >> 8);
}
#else
ALWAYS_INLINE ints dot4(ints sum, words weights, ints inputs) {
    UNROLL for (int byte = 0; byte < 4; byte++)
        sum += (ints)(weights >> 8 * byte & 0xFFu) * (inputs << (24 - 8 * byte) >> 24);
    return sum;
}
#endif
