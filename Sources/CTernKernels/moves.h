// What ranks' exchanges are made of: copies between views of matrices, and sums of several
// matrices by the fixed binary tree. An item is a piece.

#pragma once

#include "pieces.h"

static void copy(void *arguments, tern_share share) {
    tern_copy_args *a = arguments;
    for (claims work = claims_of(share, piece_count(a->rows, a->width)); claim(&work);) {
        const piece p = piece_at(work.item, a->rows, a->width);
        for (int64_t row = p.row; row < p.row + p.rows; row++)
            memcpy(
                (float *)a->output + row * a->output_row + p.column,
                (const float *)a->input + row * a->input_row + p.column,
                (size_t)p.columns * sizeof(float));
    }
}

// Adds neighbours, then neighbouring sums, and so on; what is absent adds nothing.
ALWAYS_INLINE void tree_sum_piece(const tern_tree_sum_args *a, piece p, const int64_t terms) {
    for (int64_t row = p.row; row < p.row + p.rows; row++) {
        const float *from[TERN_MAX_TERMS];
        for (int64_t t = 0; t < terms; t++)
            from[t] = a->terms[t].elements + row * a->terms[t].row + p.column;
        float *to = a->output + row * a->output_row + p.column;
        for (int64_t i = 0; i < p.columns; i += 16) {
            const int64_t lanes = p.columns - i;
            v16 sums[TERN_MAX_TERMS];
            for (int64_t t = 0; t < terms; t++) sums[t] = load_lanes(from[t] + i, lanes);
            for (int64_t step = 1; step < terms; step *= 2)
                for (int64_t t = 0; t + step < terms; t += 2 * step) sums[t] += sums[t + step];
            store_lanes(to + i, sums[0], lanes);
        }
    }
}

// The usual numbers of terms are known to the compiler, so that their sums stay in registers.
static void tree_sum(void *arguments, tern_share share) {
    tern_tree_sum_args *a = arguments;
    for (claims work = claims_of(share, piece_count(a->rows, a->width)); claim(&work);) {
        const piece p = piece_at(work.item, a->rows, a->width);
        switch (a->term_count) {
        case 2: tree_sum_piece(a, p, 2); break;
        case 4: tree_sum_piece(a, p, 4); break;
        case 8: tree_sum_piece(a, p, 8); break;
        default: tree_sum_piece(a, p, a->term_count);
        }
    }
}
