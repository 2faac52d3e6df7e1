// The kernels for processors with AVX2, FMA and F16C: a vector is two of 16 registers.

#if defined(__x86_64__)
#include <stdint.h>
#include <string.h>

#include "kernels.h"
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)

#define TERN_SET avx2
#define TERN_HAS_HALF 1
#define TERN_HAS_MASKS 0
#define TERN_HAS_BFLOAT16 0
#define TERN_FETCH_AHEAD 2048
#define TERN_FETCH_CACHE 1
#define TERN_FETCH_FURTHER 1024
#define TERN_READS_AGAIN 0
#define TERN_DOT TERN_DOT_MADD256
#define TILE_ROWS 6
#define TILE_SUMS 6
#define TILE_PANELS {0, 4, 2, 2, 1, 1, 1}
#define FOR_EACH_TILE(DO) DO(1, 4) DO(2, 2) DO(3, 2) DO(4, 1) DO(5, 1) DO(6, 1)
#define FOR_EACH_ATTEND(DO) DO(1, 4) DO(2, 2) DO(6, 1)

#include "kernel_set.h"

#pragma clang attribute pop
#endif
