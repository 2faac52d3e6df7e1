// Weights into panels of whole numbers: real ones are quantized on the way, row by row, by groups
// of their inputs; those of eight bits in a checkpoint are laid out as they are. Which inputs
// are in view decides what is written, never what a scale is made of: that is the whole group.

#pragma once

#include "pack.h"
#include "quantized.h"

// One group of a row: its scale and zero point, as stored.
typedef struct {
    float scale;
    int zero;
} quantization;

// Calls for each run of at most PACK_CHUNK inputs [first, first + count) of a range.
#define FOR_EACH_CHUNK(FIRST, COUNT, BEGIN, END) \
    for (int64_t FIRST = (BEGIN), COUNT; COUNT = least(PACK_CHUNK, (END) - FIRST), COUNT > 0; \
         FIRST += COUNT)

// Eight bits: symmetric, 127 steps to the largest magnitude.
ALWAYS_INLINE quantization channel_quantization(float largest) {
    return (quantization){largest / 127, 128};
}

// Four bits: 15 steps from the least to the greatest, zero among them; the scale is a half.
ALWAYS_INLINE quantization group_quantization(float low, float high) {
    const float scale = half_float(float_half((high - low) / 15));
    const float zero = scale > 0 ? __builtin_rintf(-low / scale) : 0;
    // Written so that what is no number is none of 0 to 15 either.
    return (quantization){scale, zero >= 0 && zero < 15 ? (int)zero : zero >= 15 ? 15 : 0};
}

// Some inputs of a row of real numbers.
ALWAYS_INLINE void load_chunk(
    const tern_panel_source *s, const char *row, int64_t first, int64_t count, float *chunk) {
    const int32_t type = s->source_type;
    convert_chunk(row + first * type_bytes(type), type, (char *)chunk, TERN_FLOAT32, count);
}

// What a group of a row of real numbers is quantized with, in panels of a type.
ALWAYS_INLINE quantization measure_group(
    const tern_panel_source *s, const char *row, int64_t begin, int64_t end, int32_t type) {
    float low = 0, high = 0;
    FOR_EACH_CHUNK(first, count, begin, end) {
        float chunk[PACK_CHUNK];
        load_chunk(s, row, first, count, chunk);
        v16 lows = splat(0), highs = splat(0);
        for (int64_t i = 0; i < count; i += 16) {
            const v16 x = load_lanes(chunk + i, count - i);
            lows = __builtin_elementwise_max(lows, -x);
            highs = __builtin_elementwise_max(highs, x);
        }
        low = larger(low, lane_max(lows));
        high = larger(high, lane_max(highs));
    }
    return type == TERN_CHANNEL_INT8 ? channel_quantization(larger(low, high))
                                     : group_quantization(-low, high);
}

// Writes values, a byte each, where a row's inputs from one on lie in a panel.
ALWAYS_INLINE void scatter_bytes(
    const uint8_t *values, int64_t count, int64_t first, char *panel, int64_t lane, int32_t type) {
    if (type == TERN_CHANNEL_INT8) {
        for (int64_t i = 0; i < count; i++) {
            const int64_t k = first + i;
            panel[(k / 4 * 16 + lane) * 4 + k % 4] = (char)values[i];
        }
        return;
    }
    for (int64_t i = 0; i < count; i++) {
        const int64_t k = first + i;
        char *byte = panel + (k / 8 * 16 + lane) * 4 + k % 4;
        *byte = (char)(k % 8 < 4 ? (*byte & 0xF0) | values[i] : (*byte & 0x0F) | values[i] << 4);
    }
}

// The values of some inputs of a group, a byte each.
ALWAYS_INLINE void quantize_chunk(
    const tern_panel_source *s, const char *row, int64_t first, int64_t count, int32_t type,
    quantization with, uint8_t *values) {
    if (s->scales) {
        for (int64_t i = 0; i < count; i++) values[i] = (uint8_t)(row[first + i] + 128);
        return;
    }
    float chunk[PACK_CHUNK];
    load_chunk(s, row, first, count, chunk);
    const int most_value = type == TERN_CHANNEL_INT8 ? 255 : 15;
    for (int64_t i = 0; i < count; i += 16) {
        const v16 x = load_lanes(chunk + i, count - i);
        const v16 steps = with.scale > 0 ? x / splat(with.scale) : splat(0);
        ints q = rounded16(steps) + with.zero;
        q = __builtin_elementwise_max(q, (ints){0});
        q = __builtin_elementwise_min(q, (ints){0} + most_value);
        const ubyte16 bytes = __builtin_convertvector(q, ubyte16);
        memcpy(values + i, &bytes, sizeof bytes);
    }
}

// Writes the scale and zero point of a group behind the words of a panel.
ALWAYS_INLINE void store_quantization(
    const tern_pack_args *a, char *panel, int64_t lane, int64_t group, quantization with) {
    char *scales = panel + word_bytes(a->stored_inputs, a->type);
    if (a->type == TERN_CHANNEL_INT8) {
        memcpy(scales + lane * 4, &with.scale, 4);
        return;
    }
    const int64_t groups = quotient_up(a->stored_inputs, a->group);
    const uint16_t half = float_half(with.scale);
    memcpy(scales + (group * 16 + lane) * 2, &half, 2);
    scales[groups * 32 + group * 16 + lane] = (char)with.zero;
}

// One row of a panel: the groups that the view has inputs of.
static void pack_quantized_row(
    const tern_pack_args *a, const tern_panel_source *s, int64_t lane) {
    const char *row = s->source + lane * s->row_bytes;
    char *panel = a->weight + s->panel * a->panel_bytes;
    const int64_t view_end = a->first_input + a->inputs;
    for (int64_t k = a->first_input, end; k < view_end; k = end) {
        const int64_t group = k / a->group, first = group * a->group;
        const int64_t last = least(first + a->group, a->stored_inputs);
        end = least(last, view_end);
        const quantization with = s->scales ? (quantization){s->scales[lane], 128}
                                            : measure_group(s, row, first, last, a->type);
        // Several views may share a group: the first of them writes what belongs to all.
        if (k == first) store_quantization(a, panel, lane, group, with);
        FOR_EACH_CHUNK(from, count, k, end) {
            uint8_t values[PACK_CHUNK];
            quantize_chunk(s, row, from, count, a->type, with, values);
            scatter_bytes(values, count, from, panel, lane, a->type);
        }
    }
}

static void pack_quantized(void *arguments, tern_share share) {
    tern_pack_args *a = arguments;
    for (claims work = claims_of(share, a->panels); claim(&work);)
        for (int64_t lane = 0; lane < a->sources[work.item].rows; lane++)
            pack_quantized_row(a, &a->sources[work.item], lane);
}
