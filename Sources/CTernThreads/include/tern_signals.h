// How the ranks of a process wait for each other: counters that one thread each posts and another
// waits on, with a deadline, and a flag that ends all waits. What the counts mean is the caller's.

#ifndef TERN_SIGNALS_H
#define TERN_SIGNALS_H

#include <stdint.h>

#pragma clang assume_nonnull begin

typedef struct tern_signals tern_signals;

// How a wait ended.
enum { TERN_REACHED = 0, TERN_ABORTED = 1, TERN_DEADLINE = 2 };

// Counters at zero; NULL where memory is refused.
tern_signals *_Nullable tern_signals_create(int32_t count);

// Frees them. No thread may be waiting.
void tern_signals_destroy(tern_signals *signals);

// Counts one up and wakes its waiter. What the caller wrote before is seen by who has waited.
void tern_signals_post(tern_signals *signals, int32_t index);

// Waits until one counter has reached `count`, as counted modulo 2^32; at most 2^31 - 1 apart.
// Spins first, then sleeps; ends after `limit` nanoseconds, and at once where the set is aborted,
// even if the counter is there: what an aborted peer has written may no longer hold.
int32_t tern_signals_wait(
    tern_signals *signals, int32_t index, uint32_t count, int64_t spin, int64_t limit);

// Ends all waits, now and later.
void tern_signals_abort(tern_signals *signals);

// Whether tern_signals_abort was called.
int32_t tern_signals_aborted(const tern_signals *signals);

#pragma clang assume_nonnull end

#endif
