// The table of a set: TERN_SET, with the products that the including file has named. It may be
// included again for another set of the same functions.

#define TERN_TABLE_OF(SET) tern_kernels_##SET
#define TERN_TABLE(SET) TERN_TABLE_OF(SET)
#define TERN_QUOTED(SET) #SET
#define TERN_NAME(SET) TERN_QUOTED(SET)

const tern_kernels TERN_TABLE(TERN_SET) = {
    .name = TERN_NAME(TERN_SET),
    .tile_rows = TILE_ROWS,
    .multiplies_pairs = TERN_HAS_BFLOAT16,
    .multiplies_tiles = TERN_HAS_TILES,
    .probe_operations = PROBE_OPERATIONS,
    .row_bytes = TERN_ROW_BYTES,
    .pack_input = pack_input,
    .quantize_input = TERN_QUANTIZE_INPUT,
    .round_input = TERN_ROUND_INPUT,
    .linear = TERN_LINEAR,
    .embed = embed,
    .pack = pack,
    .pack_quantized = pack_quantized,
    .pack_words = pack_words,
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
