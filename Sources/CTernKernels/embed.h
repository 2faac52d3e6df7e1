// Rows of a table read back out of its panels, one by one.

#pragma once

#include "quantized.h"

// One row's elements of a panel, from an input of the whole on.
ALWAYS_INLINE void embed_row(
    const tern_embed_args *a, const char *panel, int64_t lane, float *to, const int32_t type) {
    for (int64_t i = 0; i < a->inputs; i++) {
        const int64_t offset = panel_offset(lane, a->first_input + i, type);
        to[i] = load_element(panel + offset * type_bytes(type), type) * a->scale;
    }
}

// As embed_row, of whole numbers: less their zero point, times their scale.
ALWAYS_INLINE void embed_quantized_row(
    const tern_embed_args *a, const char *panel, int64_t lane, float *to, const int32_t type) {
    const int64_t groups = quotient_up(a->stored_inputs, a->group);
    for (int64_t i = 0, end; i < a->inputs; i = end) {
        const int64_t first = a->first_input + i, group = first / a->group;
        end = least(a->inputs, (group + 1) * a->group - a->first_input);
        const float scale = group_scales(panel, a->stored_inputs, group, type)[lane];
        const int zero = group_zeros(panel, a->stored_inputs, groups, group, type)[lane];
        for (int64_t j = i; j < end; j++) {
            const int value = quantized_element(panel, lane, a->first_input + j, type);
            to[j] = (float)(value - zero) * scale * a->scale;
        }
    }
}

static void embed(void *arguments, tern_share share) {
    tern_embed_args *a = arguments;
    for (claims work = claims_of(share, a->rows); claim(&work);) {
        const int64_t item = work.item;
        const int64_t row = a->first_row + a->tokens[item];
        int64_t low = 0, high = a->panels;
        while (high - low > 1) {
            const int64_t middle = (low + high) / 2;
            if (a->panel_starts[middle] <= row) low = middle;
            else high = middle;
        }
        const char *panel = a->table + low * a->panel_bytes;
        const int64_t lane = row - a->panel_starts[low];
        float *to = a->output + item * a->output_stride;
        if (is_quantized(a->type)) embed_quantized_row(a, panel, lane, to, a->type);
        else embed_row(a, panel, lane, to, a->type);
    }
}
