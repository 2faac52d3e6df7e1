// What Swift sees of the CPU's kernels: a table of functions per instruction set and one struct of
// arguments per kernel. Swift checks shapes and indices before it calls; nothing here does.
//
// Every kernel is a tern_kernel that takes its own struct of those below. It may be run by any
// number of workers at once, see claims.h; run by the caller alone it is complete. Bits never
// depend on who ran which item. Strides are counted in elements.

#ifndef TERN_KERNELS_H
#define TERN_KERNELS_H

#include <stdint.h>

#include "tern_gate.h"

#pragma clang assume_nonnull begin

// Types of elements, as DType has them.
enum { TERN_FLOAT32 = 0, TERN_BFLOAT16 = 1, TERN_FLOAT16 = 2 };

// The type of keys and values that are bytes, with a scale for each token of a head.
enum { TERN_INT8 = 3 };

// Types of weights alone, as WeightFormat has them; they follow those of elements. The last two are
// bfloat16 whose products round their inputs to it too, in either SumOrder.
enum {
    TERN_CHANNEL_INT8 = 4,
    TERN_GROUPED_INT4 = 5,
    TERN_BFLOAT16_PAIRS = 6,
    TERN_BFLOAT16_CHAINS = 7,
    TERN_WEIGHT_TYPES = 8
};

// The most parts that the inputs of a product may be cut into.
enum { TERN_MAX_PARTS = 16 };

// The most experts that a token may be routed among.
enum { TERN_MAX_EXPERTS = 1024 };

// The largest dimensions of a head's keys and values that attention takes: those of a latent cache.
enum { TERN_MAX_HEAD_DIMENSION = 576, TERN_MAX_VALUE_DIMENSION = 512 };

// Keys, counted from position 0, whose weights are added before any others': see
// `Backend.attend`.
enum { TERN_ATTEND_SPLIT = 512 };

// Input rows laid side by side by tiles: [tile][k][rows of the tile]; tiles are nearly equal, have
// at most `tile_rows` rows, and depend on `rows` and `workers` alone. For weights of whole numbers
// they become bytes, [tile][ceil(k / 8) * 2][rows][4], with scales and sums
// [tile][segment][rows]. Rounded, they stay floats, or are [tile][ceil(k / 2)][rows][2] where the
// set multiplies pairs. The set `amx` lays both otherwise: see inputs_amx.h.
typedef struct {
    const float *input;
    int64_t input_stride;
    int64_t rows, inputs;
    void *packed;
    // As tern_linear_args has them. Scales and sums are of quantize_input alone.
    int32_t type, workers;
    const int64_t *_Nullable part_ends;
    int64_t parts, group;
    float *_Nullable scales;
    int32_t *_Nullable sums;
} tern_pack_input_args;

// output = input . weight + bias. `input` is as pack_input or quantize_input left it; a single row
// that is not quantized is itself.
typedef struct {
    const void *input;
    int64_t rows, inputs;
    const char *weight;           // the first panel in view
    int64_t panel_bytes, panels;  // from one panel to the next; panels in view
    const int32_t *panel_starts;  // first output row of each panel in view, and the end
    const int64_t *part_ends;     // parts + 1 boundaries, counted in the whole weight
    int64_t parts;
    // Of weights of whole numbers: what inputs share a scale, how many segments there are, and the
    // scales and sums of the inputs.
    int64_t stored_inputs, group, segments;
    const float *_Nullable scales;
    const int32_t *_Nullable sums;
    int32_t type;
    int32_t workers;              // how many are likely to come; as the input was laid for
    const float *_Nullable bias;
    float *output;
    int64_t output_stride;
} tern_linear_args;

// Rows of a table in panels.
typedef struct {
    const int32_t *tokens;
    int64_t rows;
    int64_t first_row, first_input, inputs;  // of the view, counted in the whole
    const char *table;                       // the first panel of the whole
    int64_t panel_bytes, panels;
    const int32_t *panel_starts;
    int32_t type;
    int64_t stored_inputs, group;  // of weights of whole numbers
    float scale;
    float *output;
    int64_t output_stride;
} tern_embed_args;

// A panel, and the rows of a row-major matrix that it takes: real numbers, or with scales whole
// ones of eight bits, a byte each.
typedef struct {
    const char *source;             // the first row
    int64_t row_bytes;              // from one row to the next
    const float *_Nullable scales;  // [rows]
    int32_t source_type;            // of real numbers
    int32_t rows;
    int64_t panel;
} tern_panel_source;

// Rows of matrices into panels. Those for panels of real numbers begin with the first input in
// view; those for panels of whole numbers are whole.
typedef struct {
    const tern_panel_source *sources;  // of so many panels
    int64_t panels;
    int32_t type;                  // of the weight
    int64_t first_input, inputs;   // of the view, counted in the whole
    int64_t stored_inputs, group;  // of weights of whole numbers
    char *weight;                  // the first panel of the whole
    int64_t panel_bytes;
} tern_pack_args;

// Orders of four-bit numbers in words, as FourBitMatrix has them.
enum { TERN_WORDS_OF_ROWS = 0, TERN_WORDS_OF_COLUMNS = 1, TERN_WORDS_OF_OUTPUTS = 2 };

// A panel, and the rows of a matrix that it takes.
typedef struct {
    int64_t panel, first, count;
} tern_panel_rows;

// Four-bit numbers of a checkpoint into panels.
typedef struct {
    const char *numbers, *scales;
    const char *_Nullable zeros;  // none: all are 8
    int32_t order, scale_type, zero_offset;
    int64_t outputs, stored_inputs, group;
    int64_t first_input, inputs;  // of the view; multiples of 8
    char *weight;                 // the first panel of the whole
    int64_t panel_bytes, panels;
    const tern_panel_rows *rows;  // of so many panels
} tern_pack_words_args;

// Seeded numbers: element i is a function of seed and i.
typedef struct {
    char *elements;
    int64_t count;
    uint64_t seed;
    float step;
    int32_t mean;
    int32_t type;
} tern_fill_random_args;

typedef struct {
    const float *input;
    float *output;
    const float *weight;
    int64_t rows, heads, width;
    int64_t input_row, input_head, output_row, output_head;  // strides
    float epsilon;
} tern_rms_norm_args;

typedef struct {
    const float *input;
    float *accumulator;
    int64_t rows, width;
    int64_t input_row, accumulator_row;
} tern_add_args;

// hidden += update; output = hidden / rms(hidden) * weight.
typedef struct {
    const float *update;
    float *hidden;
    const float *weight;
    float *output;
    int64_t rows, width;
    int64_t update_row, hidden_row, output_row;  // strides
    float epsilon;
} tern_add_normalize_args;

typedef struct {
    float *heads;
    int64_t rows, head_count, rotated;
    int64_t heads_row, heads_head;
    int32_t interleaved;  // pairs (2i, 2i + 1), not (i, i + rotated / 2)
    const int32_t *positions;
    const float *table;
    int64_t table_row;
} tern_rotate_args;

// As GatedActivation has them.
enum { TERN_SILU = 0, TERN_GELU_TANH = 1, TERN_CLAMPED_SWIGLU = 2 };

typedef struct {
    const float *gate_up;
    float *output;
    int64_t rows, width;
    int64_t gate_up_row, output_row;
    int32_t activation;
    float limit, alpha;  // of TERN_CLAMPED_SWIGLU
} tern_activate_multiply_args;

typedef struct {
    float *elements;
    int64_t rows, width;
    int64_t row;  // stride
    float cap;
} tern_soft_cap_args;

typedef struct {
    const float *input;
    const int32_t *rows;
    float *output;
    int64_t count, width;
    int64_t input_row, output_row;
} tern_gather_args;

// Elements of a chunk, as Chunks has them.
enum { TERN_CHUNK = 512 };

typedef struct {
    const float *values;
    int64_t count;
    float *maxima;  // of each chunk
} tern_chunk_maxima_args;

// exp((logit - highest) / temperature), 0 below `least`, and the sums of chunks.
typedef struct {
    const float *logits;
    int64_t count;
    float highest, temperature, least;
    float *weights, *sums;
} tern_weigh_args;

// Of the weights of at least so much.
typedef struct {
    const float *weights;
    int64_t count;
    float least;
    float *sums;
} tern_chunk_sums_args;

// As RouterRule has them.
enum { TERN_SOFTMAX = 0, TERN_SIGMOID = 1 };

// The experts of each token, in the order of their ids, with their weights.
typedef struct {
    const float *logits;
    int64_t rows, count, per_token;  // tokens, experts, experts of a token
    int64_t logits_row, weights_row;
    int32_t scoring, chooses_by_scores;
    const float *_Nullable correction;       // added to scores for the choice
    int64_t groups, top_groups, group_best;  // 0 groups: none; a group's score sums its best 1 or 2
    int32_t renormalizes;
    float least_sum, factor;
    int32_t *experts;  // [rows][per_token]
    float *weights;
} tern_route_args;

// Weighted sums of rows, part by part, then by the fixed tree; a slot below zero is no row.
typedef struct {
    const float *input;
    int64_t input_row;
    const int32_t *slots, *parts;  // [count][per_token]
    const float *weights;
    int64_t weights_row;
    int64_t count, per_token, width;
    float *output;
    int64_t output_row;
} tern_combine_args;

// The keys and values of one layer; see KeyValueBlocks.
typedef struct {
    char *blocks;
    int64_t block_bytes;  // from one block to the next
    int64_t head_bytes, key_bytes;
    int64_t scale_offset;  // where the scales of a head's keys begin, then its values', if any
    int64_t block_size, heads, dimension, value_dimension;
    int32_t type;
} tern_cache;

typedef struct {
    const float *keys, *values;
    int64_t key_row, key_head, value_row, value_head;  // strides
    const int32_t *slots;
    int64_t rows;
    tern_cache cache;
} tern_store_args;

typedef struct {
    const float *queries;
    float *output;
    int64_t query_row, query_head, output_row, output_head;  // strides
    int64_t group;                                           // query heads per cache head
    const int32_t *spans;                                    // [span_count][4]
    int64_t span_count;
    const int32_t *block_table;
    float scale;
    int64_t window;                 // positions that a query sees; INT64_MAX: all
    float soft_cap;                 // 0: none
    const float *_Nullable sinks;   // one score per query head
    int32_t workers;                // how many workers are likely to come
    char *slots;                    // room for what splits of long sequences sum up to
    int64_t slot_bytes;
    int32_t *ended;                 // zeros, and zeros again afterwards
    int64_t ended_count;
    tern_cache cache;
    int32_t type;  // the cache's, or TERN_BFLOAT16_PAIRS: queries and weights are rounded too
} tern_attend_args;

typedef struct {
    const void *input;  // elements of four bytes
    void *output;
    int64_t rows, width;
    int64_t input_row, output_row;
} tern_copy_args;

// The most terms that one tree adds.
enum { TERN_MAX_TERMS = 16 };

typedef struct {
    const float *elements;
    int64_t row;
} tern_term;

typedef struct {
    const tern_term *terms;
    int64_t term_count;
    float *output;
    int64_t rows, width;
    int64_t output_row;
} tern_tree_sum_args;

// The machine's limits: bytes read in chunks, or rounds of independent multiply-adds.
typedef struct {
    const char *memory;
    int64_t chunks, chunk_bytes;
    int32_t streams;  // 1, 4 or 8 at once in a chunk
    int64_t rounds;
    float sink;
} tern_probe_args;

// One instruction set's kernels.
typedef struct {
    const char *name;
    int32_t tile_rows;
    // Multiply-adds of float32 in one round of probe_multiply_add.
    int32_t probe_operations;
    // Whether products of rounded inputs take an instruction for pairs of bfloat16, and tiles of it
    // where they are added as tiles; else they take that for float32 in the same order.
    int32_t multiplies_pairs, multiplies_tiles;
    // The most bytes that a row of inputs becomes by quantize_input, scales and sums apart, or by
    // round_input.
    int64_t (*row_bytes)(
        int32_t type, const int64_t *part_ends, int64_t parts, int64_t group);
    tern_kernel pack_input, quantize_input, round_input, linear;
    tern_kernel embed, pack, pack_quantized, pack_words, fill_random;
    tern_kernel rms_norm, add, add_normalize, rotate, activate_multiply, soft_cap, gather;
    tern_kernel store, attend;
    tern_kernel copy, tree_sum;
    tern_kernel route, combine;
    tern_kernel chunk_maxima, weigh, chunk_sums;
    tern_kernel probe_read, probe_multiply_add;
} tern_kernels;

// Units of arithmetic that processors may lack, whatever kernels are in use.
enum {
    TERN_FLOAT16_FMA = 0,
    TERN_BFLOAT16_DOT = 1,
    TERN_INT8_DOT = 2,
    TERN_BFLOAT16_TILES = 3,
    TERN_INT8_TILES = 4,
};

// How a unit is probed.
typedef struct {
    const char *way;    // for a person
    double operations;  // of one round; a multiply-add counts as two
    tern_kernel probe;  // takes tern_probe_args
} tern_unit;

// NULL where this processor or its system lacks the unit.
const tern_unit *_Nullable tern_unit_found(int32_t unit);

// Whether products of rounded inputs are added in the order of tiles on this machine, whatever
// kernels are in use: where it has tiles of bfloat16.
int32_t tern_adds_as_tiles(void);

// The fastest kernels that this processor runs.
const tern_kernels *tern_kernels_best(void);

// The kernels of a name (amx, avx512bf16, avx512vnni, avx512, avx2, portable); NULL where unknown
// or where this processor cannot run them.
const tern_kernels *_Nullable tern_kernels_named(const char *name);

#pragma clang assume_nonnull end

#endif
