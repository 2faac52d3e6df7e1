// The ops that go along rows: norms, sums, rotations, gates, caps, copies. An item is one row, or a
// piece of a long one.

#pragma once

#include "pieces.h"

// The second pass of a norm over a row of `width`, whose squares have been summed lane by lane.
ALWAYS_INLINE void normalize_row(
    const float *from, float *to, const float *weight, int64_t width, v16 squares, float epsilon) {
    const float mean = lane_sum(squares) / (float)width;
    const v16 scale = splat(1 / __builtin_sqrtf(mean + epsilon));
    for (int64_t i = 0; i < width; i += 16) {
        const int64_t lanes = width - i;
        const v16 x = load_lanes(from + i, lanes) * scale;
        store_lanes(to + i, x * load_lanes(weight + i, lanes), lanes);
    }
}

static void rms_norm(void *arguments, tern_share share) {
    tern_rms_norm_args *a = arguments;
    for (claims work = claims_of(share, a->rows); claim(&work);) {
        const int64_t item = work.item;
        for (int64_t head = 0; head < a->heads; head++) {
            const float *from = a->input + item * a->input_row + head * a->input_head;
            float *to = a->output + item * a->output_row + head * a->output_head;
            v16 squares = splat(0);
            for (int64_t i = 0; i < a->width; i += 16) {
                const v16 x = load_lanes(from + i, a->width - i);
                squares = multiply_add(x, x, squares);
            }
            normalize_row(from, to, a->weight, a->width, squares, a->epsilon);
        }
    }
}

static void add_normalize(void *arguments, tern_share share) {
    tern_add_normalize_args *a = arguments;
    for (claims work = claims_of(share, a->rows); claim(&work);) {
        const int64_t item = work.item;
        const float *from = a->update + item * a->update_row;
        float *hidden = a->hidden + item * a->hidden_row;
        v16 squares = splat(0);
        for (int64_t i = 0; i < a->width; i += 16) {
            const int64_t lanes = a->width - i;
            const v16 x = load_lanes(hidden + i, lanes) + load_lanes(from + i, lanes);
            store_lanes(hidden + i, x, lanes);
            squares = multiply_add(x, x, squares);
        }
        float *to = a->output + item * a->output_row;
        normalize_row(hidden, to, a->weight, a->width, squares, a->epsilon);
    }
}

static void add(void *arguments, tern_share share) {
    tern_add_args *a = arguments;
    for (claims work = claims_of(share, a->rows); claim(&work);) {
        const int64_t item = work.item;
        const float *from = a->input + item * a->input_row;
        float *to = a->accumulator + item * a->accumulator_row;
        for (int64_t i = 0; i < a->width; i++) to[i] += from[i];
    }
}

// The first elements of pairs lie `step` apart, the second `distance` behind them.
ALWAYS_INLINE void rotate_head(
    float *head, const float *cosines, const float *sines, int64_t pairs, const int64_t step,
    int64_t distance) {
    for (int64_t i = 0; i < pairs; i++) {
        float *low = head + i * step, *high = low + distance;
        const float x = *low, y = *high;
        *low = x * cosines[i] - y * sines[i];
        *high = y * cosines[i] + x * sines[i];
    }
}

static void rotate(void *arguments, tern_share share) {
    tern_rotate_args *a = arguments;
    const int64_t half = a->rotated / 2;
    for (claims work = claims_of(share, a->rows); claim(&work);) {
        const int64_t item = work.item;
        const float *cosines = a->table + a->positions[item] * a->table_row;
        const float *sines = cosines + half;
        for (int64_t head = 0; head < a->head_count; head++) {
            float *values = a->heads + item * a->heads_row + head * a->heads_head;
            if (a->interleaved) rotate_head(values, cosines, sines, half, 2, 1);
            else rotate_head(values, cosines, sines, half, 1, half);
        }
    }
}

// Every activation is the gate times a sigmoid, times the up.
ALWAYS_INLINE v16 activated(
    const tern_activate_multiply_args *a, v16 gate, v16 up, const int32_t activation) {
    if (activation == TERN_SILU) return gate / (splat(1) + exponential(-gate)) * up;
    if (activation == TERN_GELU_TANH) {
        // (1 + tanh(u)) / 2 is the sigmoid of 2u; 1.5957691 is 2 sqrt(2 / pi).
        const v16 cubic = multiply_add(splat(0.044715f) * gate * gate, gate, gate);
        return gate / (splat(1) + exponential(cubic * splat(-1.5957691f))) * up;
    }
    const v16 limit = splat(a->limit);
    gate = select16(gate > limit, limit, gate);
    up = select16(up > limit, limit, select16(up < -limit, -limit, up));
    return gate / (splat(1) + exponential(gate * splat(-a->alpha))) * (up + splat(1));
}

ALWAYS_INLINE void activate_row(
    const tern_activate_multiply_args *a, const float *from, float *to, const int32_t activation) {
    for (int64_t i = 0; i < a->width; i += 16) {
        const int64_t lanes = least(16, a->width - i);
        const v16 gate = load_lanes(from + 2 * i, lanes);
        const v16 up = load_lanes(from + 2 * i + lanes, lanes);
        store_lanes(to + i, activated(a, gate, up, activation), lanes);
    }
}

static void activate_multiply(void *arguments, tern_share share) {
    tern_activate_multiply_args *a = arguments;
    for (claims work = claims_of(share, a->rows); claim(&work);) {
        const int64_t item = work.item;
        const float *from = a->gate_up + item * a->gate_up_row;
        float *to = a->output + item * a->output_row;
        switch (a->activation) {
        case TERN_SILU: activate_row(a, from, to, TERN_SILU); break;
        case TERN_GELU_TANH: activate_row(a, from, to, TERN_GELU_TANH); break;
        default: activate_row(a, from, to, TERN_CLAMPED_SWIGLU);
        }
    }
}

static void soft_cap(void *arguments, tern_share share) {
    tern_soft_cap_args *a = arguments;
    for (claims work = claims_of(share, piece_count(a->rows, a->width)); claim(&work);) {
        const piece p = piece_at(work.item, a->rows, a->width);
        for (int64_t row = p.row; row < p.row + p.rows; row++) {
            float *at = a->elements + row * a->row + p.column;
            for (int64_t i = 0; i < p.columns; i += 16) {
                const int64_t lanes = p.columns - i;
                store_lanes(at + i, soft_capped(load_lanes(at + i, lanes), a->cap), lanes);
            }
        }
    }
}

static void gather(void *arguments, tern_share share) {
    tern_gather_args *a = arguments;
    for (claims work = claims_of(share, a->count); claim(&work);)
        memcpy(
            a->output + work.item * a->output_row, a->input + a->rows[work.item] * a->input_row,
            (size_t)a->width * sizeof(float));
}
