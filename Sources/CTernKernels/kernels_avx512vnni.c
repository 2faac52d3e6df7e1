// As kernels_avx512.c, for processors that also have VNNI: four products of bytes at once in a
// lane.

#if defined(__x86_64__)
#include <stdint.h>
#include <string.h>

#include "kernels.h"
#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c"))), \
    apply_to = function)

#define TERN_SET avx512vnni
#define TERN_HAS_HALF 1
#define TERN_HAS_MASKS 1
#define TERN_HAS_BFLOAT16 0
#define TERN_FETCH_AHEAD 2048
#define TERN_FETCH_CACHE 1
#define TERN_FETCH_FURTHER 1024
#define TERN_READS_AGAIN 1
#define TERN_DOT TERN_DOT_VNNI
#include "tiles_avx512.h"

#include "kernel_set.h"

#pragma clang attribute pop

#undef TERN_SET
#undef TERN_HAS_TILES
#undef TERN_LINEAR
#undef TERN_QUANTIZE_INPUT
#undef TERN_ROUND_INPUT
#undef TERN_ROW_BYTES
#define TERN_SET amx
#define TERN_HAS_TILES 1
#define TERN_LINEAR linear_amx
#define TERN_QUANTIZE_INPUT quantize_input_amx
#define TERN_ROUND_INPUT round_input_amx
#define TERN_ROW_BYTES input_row_bytes_amx
#include "linear_amx.h"

#include "kernel_table.h"
#endif
