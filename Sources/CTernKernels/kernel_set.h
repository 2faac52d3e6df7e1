// All kernels, compiled for the instruction set that the including file has chosen, and their
// table.

#include "linear.h"
#include "attend_items.h"
#include "rows.h"
#include "moves.h"
#include "experts.h"
#include "draws.h"
#include "pack.h"
#include "pack_quantized.h"
#include "embed.h"
#include "store.h"
#include "probe.h"

#define TERN_TABLE_OF(SET) tern_kernels_##SET
#define TERN_TABLE(SET) TERN_TABLE_OF(SET)
#define TERN_QUOTED(SET) #SET
#define TERN_NAME(SET) TERN_QUOTED(SET)

const tern_kernels TERN_TABLE(TERN_SET) = {
    .name = TERN_NAME(TERN_SET),
    .tile_rows = TILE_ROWS,
    .probe_operations = PROBE_OPERATIONS,
    .pack_input = pack_input,
    .quantize_input = quantize_input,
    .round_input = round_input,
    .linear = linear,
    .embed = embed,
    .pack = pack,
    .pack_quantized = pack_quantized,
    .fill_random = fill_random,
    .rms_norm = rms_norm,
    .add = add,
    .add_normalize = add_normalize,
    .rotate = rotate,
    .activate_multiply = activate_multiply,
    .soft_cap = soft_cap,
    .gather = gather,
    .store = store,
    .attend = attend,
    .copy = copy,
    .tree_sum = tree_sum,
    .route = route,
    .combine = combine,
    .chunk_maxima = chunk_maxima,
    .weigh = weigh,
    .chunk_sums = chunk_sums,
    .probe_read = probe_read,
    .probe_multiply_add = probe_multiply_add,
};
