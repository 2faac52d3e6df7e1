// The tables of all instruction sets, for dispatch.c.

#pragma once

#include "tern_kernels.h"

// How a set multiplies whole numbers; see dot4.h.
#define TERN_DOT_PLAIN 0
#define TERN_DOT_MADD256 1
#define TERN_DOT_MADD512 2
#define TERN_DOT_VNNI 3

#if defined(__x86_64__)
// The form of eight tiles, as AMX is told it.
typedef struct {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} tern_tile_form;

extern const tern_kernels tern_kernels_amx;
extern const tern_kernels tern_kernels_avx512bf16;
extern const tern_kernels tern_kernels_avx512vnni;
extern const tern_kernels tern_kernels_avx512;
extern const tern_kernels tern_kernels_avx2;
#endif
extern const tern_kernels tern_kernels_portable;
