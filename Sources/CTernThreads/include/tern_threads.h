// What Swift cannot say about threads: the macros of cpu_set_t.

#ifndef TERN_THREADS_H
#define TERN_THREADS_H

#include <stdint.h>

#pragma clang assume_nonnull begin

// Writes the processors that the calling thread may run on, ascending, and returns their number,
// or a negative errno.
int32_t tern_available_processors(int32_t *processors, int32_t capacity);

// Keeps the calling thread on one processor. Returns 0 or an errno.
int32_t tern_pin_thread(int32_t processor);

#pragma clang assume_nonnull end

#endif
