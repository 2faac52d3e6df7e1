// The meeting point of a worker pool: one caller opens it with a kernel, workers come in, help and
// leave. The caller works too, and waits only for those who came in: a worker that the system has
// put aside delays nobody. Threads are made elsewhere.

#ifndef TERN_GATE_H
#define TERN_GATE_H

#include <stdint.h>

#pragma clang assume_nonnull begin

// The most stretches that a run's items are cut into, and what lies from one counter to the next,
// which are on lines of their own.
enum { TERN_STRETCHES = 8, TERN_COUNTER_STEP = 8 };

// What a worker gets of a run: a counter for each stretch of its items, zero at first, and which
// stretch it begins with. Several workers may begin with the same.
typedef struct {
    int64_t *next;
    int32_t stretches, own;
} tern_share;

// Computes items until none is left.
typedef void (*tern_kernel)(void *arguments, tern_share share);

typedef struct tern_gate tern_gate;

// A gate for so many workers, the caller included and at least one, that nobody is in; NULL where
// memory is refused.
tern_gate *_Nullable tern_gate_create(int32_t workers);

// Frees a gate. All workers must have left tern_gate_serve.
void tern_gate_destroy(tern_gate *gate);

// Runs a kernel on the calling thread and on the workers that come. One caller at a time.
void tern_gate_run(tern_gate *gate, tern_kernel kernel, void *arguments);

// Runs a kernel on the calling thread alone.
void tern_run_alone(tern_kernel kernel, void *arguments);

// The life of a worker, counted from 1: returns after tern_gate_stop.
void tern_gate_serve(tern_gate *gate, int32_t worker);

// Sends all workers home. No run may be under way.
void tern_gate_stop(tern_gate *gate);

#pragma clang assume_nonnull end

#endif
