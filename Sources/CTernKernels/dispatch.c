// Which of the compiled kernels this processor runs.

#include <stddef.h>
#include <string.h>

#include "kernels.h"

#if defined(__x86_64__)
static int runs_avx512(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
        && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
}

static int runs_avx512vnni(void) {
    return runs_avx512() && __builtin_cpu_supports("avx512vnni");
}

static int runs_avx512bf16(void) {
    return runs_avx512vnni() && __builtin_cpu_supports("avx512bf16");
}

// Whether tiles multiply bytes and bfloat16 here is asked once, for a child process tries them; the
// system's permission to use them, which that takes, is the whole process's and stays. Two threads
// that ask at once find the same.
static int runs_amx(void) {
    enum { UNKNOWN, LACKING, RUNNING };
    static int found = UNKNOWN;
    int known = __atomic_load_n(&found, __ATOMIC_ACQUIRE);
    if (known == UNKNOWN) {
        const int runs = runs_avx512vnni() && tern_unit_found(TERN_INT8_TILES)
            && tern_unit_found(TERN_BFLOAT16_TILES);
        known = runs ? RUNNING : LACKING;
        __atomic_store_n(&found, known, __ATOMIC_RELEASE);
    }
    return known == RUNNING;
}

// Whether pairs of bfloat16 are multiplied faster than float32, which is AMD's: 2 times on a
// Zen 4, 0.5 to 0.6 on a Sapphire Rapids, where the set without multiplies them as float32, with
// the same bits.
static int gains_by_bf16(void) { return runs_avx512bf16() && __builtin_cpu_is("amd"); }

static int runs_avx2(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")
        && __builtin_cpu_supports("f16c");
}
#endif

const tern_kernels *tern_kernels_named(const char *name) {
#if defined(__x86_64__)
    if (strcmp(name, "amx") == 0) return runs_amx() ? &tern_kernels_amx : NULL;
    if (strcmp(name, "avx512bf16") == 0) return runs_avx512bf16() ? &tern_kernels_avx512bf16 : NULL;
    if (strcmp(name, "avx512vnni") == 0) return runs_avx512vnni() ? &tern_kernels_avx512vnni : NULL;
    if (strcmp(name, "avx512") == 0) return runs_avx512() ? &tern_kernels_avx512 : NULL;
    if (strcmp(name, "avx2") == 0) return runs_avx2() ? &tern_kernels_avx2 : NULL;
#endif
    return strcmp(name, "portable") == 0 ? &tern_kernels_portable : NULL;
}

int32_t tern_adds_as_tiles(void) {
#if defined(__x86_64__)
    return runs_amx();
#else
    return 0;
#endif
}

const tern_kernels *tern_kernels_best(void) {
#if defined(__x86_64__)
    if (runs_amx()) return &tern_kernels_amx;
    if (gains_by_bf16()) return &tern_kernels_avx512bf16;
    if (runs_avx512vnni()) return &tern_kernels_avx512vnni;
    if (runs_avx512()) return &tern_kernels_avx512;
    if (runs_avx2()) return &tern_kernels_avx2;
#endif
    return &tern_kernels_portable;
}
