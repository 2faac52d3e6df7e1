// As kernels_avx512vnni.c, for processors that also multiply pairs of bfloat16. Intel's do
// so at half the rate of float32, and take the set without: see dispatch.c.

#if defined(__x86_64__)
#include <stdint.h>
#include <string.h>

#include "kernels.h"
#pragma clang attribute push( \
    __attribute__((target( \
        "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512bf16,avx2,fma,f16c"))), \
    apply_to = function)

#define TERN_SET avx512bf16
#define TERN_HAS_HALF 1
#define TERN_HAS_MASKS 1
#define TERN_HAS_BFLOAT16 1
// On two cores of a Zen 4 memory streams at up to 60 GB/s into the second cache and at 50 into the
// first, which can wait for fewer lines at once.
#define TERN_FETCH_AHEAD 1024
#define TERN_FETCH_CACHE 2
#define TERN_FETCH_FURTHER 0
#define TERN_READS_AGAIN 0
#define TERN_DOT TERN_DOT_VNNI
#include "tiles_avx512.h"

#include "kernel_set.h"

#pragma clang attribute pop
#endif
