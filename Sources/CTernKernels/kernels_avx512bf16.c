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
#define TERN_HAS_BFLOAT16 1
#define TERN_WIDENS 0
// On a Zen 4 what is sent for into the second cache streams at up to 60 GB/s on two cores, into the
// first at 50: few misses of that are in flight at once.
#define TERN_FETCH_AHEAD 1024
#define TERN_FETCH_CACHE 2
#define TERN_DOT TERN_DOT_VNNI
#include "tiles_avx512.h"

#include "kernel_set.h"

#pragma clang attribute pop
#endif
