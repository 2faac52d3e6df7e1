// How workers share out the items of a kernel. Each has a stretch of them to itself, the same part
// of them in every kernel, so that what it wrote in one it reads in the next from its own caches:
// lines that another core wrote last cost ten times as much. What others have left is taken at the
// end. Bits never depend on any of this.

#pragma once

#include "tern_gate.h"

typedef struct {
    tern_share share;
    int64_t count;       // of items
    int64_t item;        // the one at hand
    int64_t first, end;  // of the stretch that it is in
    int64_t *next;       // the counter of that
    int32_t tried;       // stretches before it
} claims;

static inline void begin_stretch(claims *c) {
    const int64_t stretches = c->share.stretches, stretch = (c->share.own + c->tried) % stretches;
    c->first = stretch * c->count / stretches;
    c->end = (stretch + 1) * c->count / stretches;
    c->next = c->share.next + stretch * TERN_COUNTER_STEP;
}

static inline claims claims_of(tern_share share, int64_t count) {
    claims c = {.share = share, .count = count};
    begin_stretch(&c);
    return c;
}

// Takes the next item; 0 where none is left.
static inline int claim(claims *c) {
    for (;;) {
        c->item = c->first + __atomic_fetch_add(c->next, 1, __ATOMIC_RELAXED);
        if (c->item < c->end) return 1;
        if (++c->tried == c->share.stretches) return 0;
        begin_stretch(c);
    }
}
