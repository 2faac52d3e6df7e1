// How kernels that go along rows of any length share them out: pieces of about PIECE elements, some
// whole rows where they are short, else a part of one, so that one long row occupies all workers
// too.

#pragma once

#include "claims.h"
#include "vector.h"

enum { PIECE = 4096 };

typedef struct {
    int64_t row, rows, column, columns;
} piece;

// Rows of a piece.
ALWAYS_INLINE int64_t piece_rows(int64_t width) { return most(1, PIECE / most(1, width)); }

// Pieces of a matrix.
ALWAYS_INLINE int64_t piece_count(int64_t rows, int64_t width) {
    return quotient_up(rows, piece_rows(width)) * quotient_up(width, PIECE);
}

ALWAYS_INLINE piece piece_at(int64_t index, int64_t rows, int64_t width) {
    const int64_t rows_each = piece_rows(width), parts = quotient_up(width, PIECE);
    const int64_t row = index / parts * rows_each, column = index % parts * PIECE;
    return (piece){row, least(rows_each, rows - row), column, least(PIECE, width - column)};
}
