// Counters between two threads: a post costs a locked addition, a wait that is soon answered a few
// loads; who waits long sleeps in the kernel (futex). Nothing is allocated after the start.
//
// No wakeup is lost. A poster counts up, then reads `sleeping`; a waiter sets `sleeping`, then the
// kernel reads the count once more before it lets the waiter sleep. All four are in one total order
// (sequentially consistent here; the kernel's read is made under the lock of the futex, which a
// wake takes too). If the poster reads no sleeper, its count came before the waiter's flag, so the
// kernel sees the new count and returns at once. If it reads one, it wakes: either the waiter is
// queued already and is woken, or the kernel's read, made later under the same lock, sees the new
// count. The abort flag is no part of the word that the kernel compares, so an abort that falls
// between the waiter's last look at it and its sleep is not seen at once: that is why nobody
// sleeps for longer than a slice.

#define _GNU_SOURCE
#include <linux/futex.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pause.h"
#include "tern_signals.h"

// Each on a line of its own: it is written by one thread and read by another.
typedef struct {
    _Alignas(64) uint32_t count;
    uint32_t sleeping;
} signal;

struct tern_signals {
    _Alignas(64) uint32_t aborted;
    int32_t count;
    signal all[];
};

// The longest sleep between two looks at the abort flag and the clock.
enum { SLICE_NANOSECONDS = 20000000 };

static inline int64_t lesser(int64_t a, int64_t b) { return a < b ? a : b; }

tern_signals *tern_signals_create(int32_t count) {
    const size_t bytes = sizeof(tern_signals) + (size_t)count * sizeof(signal);
    tern_signals *signals = aligned_alloc(_Alignof(tern_signals), bytes);
    if (!signals) return NULL;
    signals->aborted = 0;
    signals->count = count;
    for (int32_t i = 0; i < count; i++) signals->all[i] = (signal){0};
    return signals;
}

void tern_signals_destroy(tern_signals *signals) { free(signals); }

static void wake(signal *signal) {
    if (__atomic_load_n(&signal->sleeping, __ATOMIC_SEQ_CST))
        syscall(SYS_futex, &signal->count, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

void tern_signals_post(tern_signals *signals, int32_t index) {
    signal *signal = &signals->all[index];
    __atomic_fetch_add(&signal->count, 1, __ATOMIC_SEQ_CST);
    wake(signal);
}

int32_t tern_signals_aborted(const tern_signals *signals) {
    return (int32_t)__atomic_load_n(&signals->aborted, __ATOMIC_SEQ_CST);
}

// The fence keeps what the aborting thread writes to its buffers afterwards behind the flag: who
// has read any of it sees the flag at the end of its own wait.
void tern_signals_abort(tern_signals *signals) {
    __atomic_store_n(&signals->aborted, 1, __ATOMIC_SEQ_CST);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    for (int32_t i = 0; i < signals->count; i++) wake(&signals->all[i]);
}

static inline int has_reached(const signal *signal, uint32_t count) {
    return (int32_t)(__atomic_load_n(&signal->count, __ATOMIC_ACQUIRE) - count) >= 0;
}

// Sleeps for a slice, unless the count moves.
static void sleep_for(signal *signal, const tern_signals *signals, uint32_t count, int64_t slice) {
    const struct timespec time = {.tv_sec = 0, .tv_nsec = slice};
    __atomic_store_n(&signal->sleeping, 1, __ATOMIC_SEQ_CST);
    const uint32_t seen = __atomic_load_n(&signal->count, __ATOMIC_SEQ_CST);
    if ((int32_t)(seen - count) < 0 && !tern_signals_aborted(signals))
        syscall(SYS_futex, &signal->count, FUTEX_WAIT_PRIVATE, seen, &time, NULL, 0);
    __atomic_store_n(&signal->sleeping, 0, __ATOMIC_SEQ_CST);
}

int32_t tern_signals_wait(
    tern_signals *signals, int32_t index, uint32_t count, int64_t spin, int64_t limit) {
    signal *signal = &signals->all[index];
    for (int64_t start = -1; !has_reached(signal, count);) {
        if (tern_signals_aborted(signals)) return TERN_ABORTED;
        const int64_t time = now();
        if (start < 0) start = time;
        if (time - start >= limit) return TERN_DEADLINE;
        if (time - start >= spin) {
            sleep_for(signal, signals, count, lesser(SLICE_NANOSECONDS, start + limit - time));
        } else {
            for (int i = 0; i < 64 && !has_reached(signal, count); i++) relax();
        }
    }
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    return tern_signals_aborted(signals) ? TERN_ABORTED : TERN_REACHED;
}
