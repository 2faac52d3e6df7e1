// The meeting point of a worker pool: one caller opens it with a kernel, workers come in, help and
// leave. The caller works too, and waits only for those who came in: a worker that the system has
// put aside delays nobody. Threads are made elsewhere.

#ifndef TERN_GATE_H
#define TERN_GATE_H

#pragma clang assume_nonnull begin

typedef struct tern_gate tern_gate;

// A gate that nobody is in; NULL where memory is refused.
tern_gate *_Nullable tern_gate_create(void);

// Frees a gate. All workers must have left tern_gate_serve.
void tern_gate_destroy(tern_gate *gate);

// Runs a kernel on the calling thread and on the workers that come. One caller at a time.
void tern_gate_run(tern_gate *gate, void (*kernel)(void *), void *arguments);

// A worker's life: returns after tern_gate_stop.
void tern_gate_serve(tern_gate *gate);

// Sends all workers home. No run may be under way.
void tern_gate_stop(tern_gate *gate);

#pragma clang assume_nonnull end

#endif
