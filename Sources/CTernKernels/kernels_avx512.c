// The kernels for processors with AVX-512 (F, BW, VL, DQ): a vector is one of 32 registers.

#if defined(__x86_64__)
#include <stdint.h>
#include <string.h>

#include "kernels.h"
#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c"))), \
    apply_to = function)

#define TERN_SET avx512
#define TERN_HAS_HALF 1
#define TERN_HAS_MASKS 1
#define TERN_HAS_BFLOAT16 0
#define TERN_FETCH_AHEAD 2048
#define TERN_FETCH_CACHE 1
#define TERN_FETCH_FURTHER 1024
#define TERN_READS_AGAIN 1
#define TERN_DOT TERN_DOT_MADD512
#include "tiles_avx512.h"

#include "kernel_set.h"

#pragma clang attribute pop
#endif
