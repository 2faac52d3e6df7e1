// How kernels that go along rows of any length share them out: pieces of about PIECE elements, some
// whole rows where they are short, else a part of one, so that one long row occupies all workers
// too.

#pragma once

#include "vector.h"

enum { PIECE = 4096 };

typedef struct {
    int64_t row, rows, column, columns;
} piece;

// Claims a piece of a matrix; one without rows where none is left.
ALWAYS_INLINE piece claim_piece(int64_t *next, int64_t rows, int64_t width) {
    const int64_t rows_each = most(1, PIECE / most(1, width));
    const int64_t parts = quotient_up(width, PIECE);
    if (parts == 0) return (piece){0};
    const int64_t item = claim(next);
    const int64_t row = item / parts * rows_each, column = item % parts * PIECE;
    if (row >= rows) return (piece){0};
    return (piece){row, least(rows_each, rows - row), column, least(PIECE, width - column)};
}
