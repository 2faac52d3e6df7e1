// How fast this processor's special units run at best, independent of the sets of kernels: each is
// probed with its own instructions, compiled for them alone and run only where processor and system
// both offer them. No kernel is here, and nothing that a model computes.

#define _DEFAULT_SOURCE  // syscall
#include <stddef.h>

#include "claims.h"
#include "kernels.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <errno.h>
#include <immintrin.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define TARGET(FEATURES) __attribute__((target(FEATURES)))
#define UNROLL _Pragma("clang loop unroll(full)")
// Makes a register's content unknown to the compiler, so that it computes what is asked for.
#define HIDE(REGISTER) __asm__ volatile("" : "+v"(REGISTER))

// Sums in flight: enough to hide the latency of two pipes, few enough for 32 or 16 registers.
enum { SUMS_512 = 16, SUMS_256 = 12, STEPS = 4096, TILE_STEPS = 512 };

// Sums of `COUNT` registers that `STEP` grows, round after round.
#define PROBE(NAME, FEATURES, VECTOR, COUNT, FIRST, STEP) \
    TARGET(FEATURES) static void NAME(void *arguments, tern_share share) { \
        const tern_probe_args *a = arguments; \
        VECTOR sums[COUNT]; \
        UNROLL for (int i = 0; i < COUNT; i++) { \
            sums[i] = FIRST; \
            HIDE(sums[i]); \
        } \
        for (claims work = claims_of(share, a->rounds); claim(&work);) \
            for (int step = 0; step < STEPS; step++) \
                UNROLL for (int i = 0; i < COUNT; i++) sums[i] = STEP(sums[i]); \
        UNROLL for (int i = 0; i < COUNT; i++) HIDE(sums[i]); \
    }

#define FLOAT16_STEP(SUM) \
    _mm512_fmadd_ph(SUM, _mm512_set1_ph((_Float16)0.875f), _mm512_set1_ph((_Float16)0.5f))
#define BFLOAT16_STEP(SUM) \
    _mm512_dpbf16_ps(SUM, (__m512bh)_mm512_set1_epi16(0x3f7f), (__m512bh)_mm512_set1_epi16(0x3c23))
#define INT8_512_STEP(SUM) \
    _mm512_dpbusd_epi32(SUM, _mm512_set1_epi8(0x55), _mm512_set1_epi8(0x35))
#define INT8_256_STEP(SUM) \
    _mm256_dpbusd_avx_epi32(SUM, _mm256_set1_epi8(0x55), _mm256_set1_epi8(0x35))

PROBE(float16_multiply_add, "avx512f,avx512fp16", __m512h, SUMS_512, _mm512_setzero_ph(),
    FLOAT16_STEP)
PROBE(bfloat16_dot, "avx512f,avx512bw,avx512bf16", __m512, SUMS_512, _mm512_setzero_ps(),
    BFLOAT16_STEP)
PROBE(int8_dot_512, "avx512f,avx512bw,avx512vnni", __m512i, SUMS_512, _mm512_setzero_si512(),
    INT8_512_STEP)
PROBE(int8_dot_256, "avx2,avxvnni", __m256i, SUMS_256, _mm256_setzero_si256(), INT8_256_STEP)

// Eight tiles of 16 rows of 64 bytes each.
static const tern_tile_form form = {
    .palette = 1,
    .row_bytes = {64, 64, 64, 64, 64, 64, 64, 64},
    .rows = {16, 16, 16, 16, 16, 16, 16, 16},
};

// Four sums of two tiles by two, as a product would have them. Tiles are a thread's own, and given
// back: a thread that keeps them is slower to switch.
#define PROBE_TILES(NAME, FEATURES, STEP) \
    TARGET(FEATURES) static void NAME(void *arguments, tern_share share) { \
        const tern_probe_args *a = arguments; \
        uint8_t bytes[1024] __attribute__((aligned(64))); \
        for (int i = 0; i < 1024; i++) bytes[i] = 0x3c; \
        _tile_loadconfig(&form); \
        _tile_zero(0); \
        _tile_zero(1); \
        _tile_zero(2); \
        _tile_zero(3); \
        _tile_loadd(4, bytes, 64); \
        _tile_loadd(5, bytes, 64); \
        _tile_loadd(6, bytes, 64); \
        _tile_loadd(7, bytes, 64); \
        for (claims work = claims_of(share, a->rounds); claim(&work);) \
            for (int step = 0; step < TILE_STEPS; step++) { \
                STEP(0, 4, 6); \
                STEP(1, 4, 7); \
                STEP(2, 5, 6); \
                STEP(3, 5, 7); \
            } \
        _tile_release(); \
    }

PROBE_TILES(bfloat16_tiles, "amx-tile,amx-bf16", _tile_dpbf16ps)
PROBE_TILES(int8_tiles, "amx-tile,amx-int8", _tile_dpbusd)

// A bit of what cpuid tells of a leaf.
typedef struct {
    unsigned leaf, subleaf, word, bit;  // words: EAX, EBX, ECX, EDX
} feature;

static const feature has_xgetbv = {1, 0, 2, 27};
static const feature has_avx512 = {7, 0, 1, 16}, has_avx512bw = {7, 0, 1, 30};
static const feature has_avx512vnni = {7, 0, 2, 11}, has_avx512fp16 = {7, 0, 3, 23};
static const feature has_avx512bf16 = {7, 1, 0, 5}, has_avxvnni = {7, 1, 0, 4};
static const feature has_tiles = {7, 0, 3, 24}, has_bfloat16_tiles = {7, 0, 3, 22},
                     has_int8_tiles = {7, 0, 3, 25};

static int has(feature f) {
    unsigned words[4];
    if (!__get_cpuid_count(f.leaf, 0, &words[0], &words[1], &words[2], &words[3])) return 0;
    // Where leaf 7 has no second part, asking for it tells of something else.
    if (f.subleaf > words[0]) return 0;
    __cpuid_count(f.leaf, f.subleaf, words[0], words[1], words[2], words[3]);
    return words[f.word] >> f.bit & 1;
}

// Registers that the system saves when it switches threads: XCR0.
enum { STATE_256 = 0x6, STATE_512 = 0xe6, STATE_TILES = 0x60000 };

static int saves(unsigned state) {
    if (!has(has_xgetbv)) return 0;
    unsigned low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (low & state) == state;
}

// Whether a probe runs, told by a child that may die of an illegal instruction.
static int survives(tern_kernel probe) {
    const pid_t child = fork();
    if (child < 0) return 0;
    if (child == 0) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        signal(SIGILL, SIG_DFL);
        signal(SIGSEGV, SIG_DFL);
        tern_probe_args arguments = {.rounds = 1};
        tern_run_alone(probe, &arguments);
        _exit(0);
    }
    int status;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR) return 0;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// Linux lends the tiles' registers to a process that asks for them (since 5.16). A refusal alone
// means nothing where another kernel answers in its place, and neither does a yes under a
// hypervisor that hides them: a child tries.
static int runs_tiles(tern_kernel probe) {
    enum { REQUEST_PERMISSION = 0x1023, TILE_DATA = 18 };
    if (!saves(STATE_TILES) || !has(has_tiles)) return 0;
    (void)syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA);
    return survives(probe);
}

static const tern_unit float16_fma = {"512 bit", 2 * 32 * SUMS_512 * STEPS, float16_multiply_add};
static const tern_unit bfloat16 = {"512 bit", 2 * 32 * SUMS_512 * STEPS, bfloat16_dot};
static const tern_unit int8_512 = {"512 bit", 2 * 64 * SUMS_512 * STEPS, int8_dot_512};
static const tern_unit int8_256 = {"256 bit", 2 * 32 * SUMS_256 * STEPS, int8_dot_256};
static const tern_unit tiles_bfloat16 = {
    "16 x 16 sums", 2.0 * 16 * 16 * 32 * 4 * TILE_STEPS, bfloat16_tiles};
static const tern_unit tiles_int8 = {
    "16 x 16 sums", 2.0 * 16 * 16 * 64 * 4 * TILE_STEPS, int8_tiles};

const tern_unit *tern_unit_found(int32_t unit) {
    const int has_512 = saves(STATE_512) && has(has_avx512) && has(has_avx512bw);
    switch (unit) {
    case TERN_FLOAT16_FMA: return has_512 && has(has_avx512fp16) ? &float16_fma : NULL;
    case TERN_BFLOAT16_DOT: return has_512 && has(has_avx512bf16) ? &bfloat16 : NULL;
    case TERN_INT8_DOT:
        if (has_512 && has(has_avx512vnni)) return &int8_512;
        return saves(STATE_256) && has(has_avxvnni) ? &int8_256 : NULL;
    case TERN_BFLOAT16_TILES:
        return has(has_bfloat16_tiles) && runs_tiles(bfloat16_tiles) ? &tiles_bfloat16 : NULL;
    case TERN_INT8_TILES:
        return has(has_int8_tiles) && runs_tiles(int8_tiles) ? &tiles_int8 : NULL;
    default: return NULL;
    }
}
#else
const tern_unit *tern_unit_found(int32_t unit) {
    (void)unit;
    return NULL;
}
#endif
