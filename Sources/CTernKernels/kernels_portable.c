// The kernels for any processor: plain x86-64, where a fused multiply-add is a call into the
// system's library, and others, where the compiler knows what the processor has.

#include <stdint.h>
#include <string.h>

#include "kernels.h"

#define TERN_SET portable
#define TERN_HAS_HALF 0
#define TERN_HAS_MASKS 0
#define TERN_HAS_BFLOAT16 0
#define TERN_FETCH_AHEAD 2048
#define TERN_FETCH_CACHE 1
#define TERN_FETCH_FURTHER 0
#define TERN_READS_AGAIN 0
#define TERN_DOT TERN_DOT_PLAIN
#define TILE_ROWS 4
#define TILE_SUMS 4
#define TILE_PANELS {0, 4, 2, 1, 1}
#define FOR_EACH_TILE(DO) DO(1, 4) DO(2, 2) DO(3, 1) DO(4, 1)
#define FOR_EACH_ATTEND(DO) DO(1, 4) DO(2, 2) DO(4, 1)

#include "kernel_set.h"
