// The ops that go along rows: norms, sums, rotations, gates, copies. An item is one row, or one
// head of a row.

#pragma once

#include "vector.h"

static void rms_norm(void *arguments) {
    tern_rms_norm_args *a = arguments;
    for (int64_t item; (item = claim(&a->next)) < a->rows;) {
        for (int64_t head = 0; head < a->heads; head++) {
            const float *from = a->input + item * a->input_row + head * a->input_head;
            float *to = a->output + item * a->output_row + head * a->output_head;
            v16 squares = splat(0);
            for (int64_t i = 0; i < a->width; i += 16) {
                const v16 x = load_lanes(from + i, a->width - i);
                squares = multiply_add(x, x, squares);
            }
            const float mean = lane_sum(squares) / (float)a->width;
            const v16 scale = splat(1 / __builtin_sqrtf(mean + a->epsilon));
            for (int64_t i = 0; i < a->width; i += 16) {
                const int64_t lanes = a->width - i;
                const v16 x = load_lanes(from + i, lanes) * scale;
                store_lanes(to + i, x * load_lanes(a->weight + i, lanes), lanes);
            }
        }
    }
}

static void add(void *arguments) {
    tern_add_args *a = arguments;
    for (int64_t item; (item = claim(&a->next)) < a->rows;) {
        const float *from = a->input + item * a->input_row;
        float *to = a->accumulator + item * a->accumulator_row;
        for (int64_t i = 0; i < a->width; i++) to[i] += from[i];
    }
}

static void rotate(void *arguments) {
    tern_rotate_args *a = arguments;
    const int64_t half = a->rotated / 2;
    for (int64_t item; (item = claim(&a->next)) < a->rows;) {
        const float *cosines = a->table + a->positions[item] * a->table_row;
        const float *sines = cosines + half;
        for (int64_t head = 0; head < a->head_count; head++) {
            float *low = a->heads + item * a->heads_row + head * a->heads_head;
            float *high = low + half;
            for (int64_t i = 0; i < half; i++) {
                const float x = low[i], y = high[i];
                low[i] = x * cosines[i] - y * sines[i];
                high[i] = y * cosines[i] + x * sines[i];
            }
        }
    }
}

static void silu_multiply(void *arguments) {
    tern_silu_multiply_args *a = arguments;
    for (int64_t item; (item = claim(&a->next)) < a->rows;) {
        const float *from = a->gate_up + item * a->gate_up_row;
        float *to = a->output + item * a->output_row;
        for (int64_t i = 0; i < a->width; i += 16) {
            const int64_t lanes = least(16, a->width - i);
            const v16 gate = load_lanes(from + 2 * i, lanes);
            const v16 up = load_lanes(from + 2 * i + lanes, lanes);
            store_lanes(to + i, gate / (splat(1) + exponential(-gate)) * up, lanes);
        }
    }
}

static void gather(void *arguments) {
    tern_gather_args *a = arguments;
    for (int64_t item; (item = claim(&a->next)) < a->count;)
        memcpy(
            a->output + item * a->output_row, a->input + a->rows[item] * a->input_row,
            (size_t)a->width * sizeof(float));
}
