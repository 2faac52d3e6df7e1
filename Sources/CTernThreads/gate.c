// The worker pool's barrier: spin for a moment, then sleep in the kernel (futex). Nothing is
// allocated, and no worker has to come for a run to end: kernels hand out items by counters, so the
// caller closes the gate once no item is left and waits for those inside alone.

#define _GNU_SOURCE
#include <linux/futex.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pause.h"
#include "tern_gate.h"

// What is written by different threads lies on lines of its own.
struct tern_gate {
    _Alignas(64) uint32_t epoch;  // counts openings; workers wait for it to change
    uint32_t sleepers;            // workers that may be asleep
    uint32_t stopped;
    _Alignas(64) uint32_t state;  // workers inside, and the flags below
    _Alignas(64) tern_kernel kernel;
    void *arguments;
    int32_t workers, stretches;
    _Alignas(64) int64_t next[TERN_STRETCHES * TERN_COUNTER_STEP];
};

// Flags of `state`; the bits below count workers inside.
enum { CLOSED = 1u << 30, WAITED_FOR = 1u << 29, INSIDE = WAITED_FOR - 1 };

// Long enough to bridge the gap between two ops, short enough to leave the core to others.
enum { SPIN_NANOSECONDS = 50000 };

// Returns a value of the word other than `seen`, or `seen` after spinning in vain.
static uint32_t spin(const uint32_t *word, uint32_t seen) {
    const int64_t deadline = now() + SPIN_NANOSECONDS;
    do {
        for (int i = 0; i < 64; i++) {
            const uint32_t value = __atomic_load_n(word, __ATOMIC_ACQUIRE);
            if (value != seen) return value;
            relax();
        }
    } while (now() < deadline);
    return seen;
}

static void sleep_while(uint32_t *word, uint32_t seen) {
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
}

static void wake_all(uint32_t *word) {
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

tern_gate *tern_gate_create(int32_t workers) {
    tern_gate *gate = aligned_alloc(_Alignof(tern_gate), sizeof *gate);
    if (!gate) return NULL;
    const int32_t stretches = workers < TERN_STRETCHES ? workers : TERN_STRETCHES;
    *gate = (tern_gate){.state = CLOSED, .workers = workers, .stretches = stretches};
    return gate;
}

void tern_gate_destroy(tern_gate *gate) { free(gate); }

// Waits until nobody is inside a closed gate.
static void wait_until_empty(tern_gate *gate) {
    uint32_t state = __atomic_fetch_or(&gate->state, CLOSED, __ATOMIC_ACQ_REL) | CLOSED;
    while (state & INSIDE) {
        uint32_t value = spin(&gate->state, state);
        if (value == state) {
            state = __atomic_fetch_or(&gate->state, WAITED_FOR, __ATOMIC_ACQ_REL) | WAITED_FOR;
            if (state & INSIDE) sleep_while(&gate->state, state);
            value = __atomic_load_n(&gate->state, __ATOMIC_ACQUIRE);
        }
        state = value;
    }
}

// Announces a change. The sleepers are read after the epoch has been written, and a sleeper
// registers before it reads the epoch for the last time: one of the two sees the other.
static void announce(tern_gate *gate) {
    __atomic_fetch_add(&gate->epoch, 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&gate->sleepers, __ATOMIC_SEQ_CST) > 0) wake_all(&gate->epoch);
}

// Neighbouring workers begin with the same stretch where there are more of them.
static tern_share share_of(tern_gate *gate, int32_t worker) {
    return (tern_share){
        .next = gate->next,
        .stretches = gate->stretches,
        .own = worker * gate->stretches / gate->workers,
    };
}

void tern_run_alone(tern_kernel kernel, void *arguments) {
    int64_t next = 0;
    kernel(arguments, (tern_share){.next = &next, .stretches = 1});
}

void tern_gate_run(tern_gate *gate, tern_kernel kernel, void *arguments) {
    gate->kernel = kernel;
    gate->arguments = arguments;
    for (int32_t i = 0; i < gate->stretches; i++) gate->next[i * TERN_COUNTER_STEP] = 0;
    __atomic_store_n(&gate->state, 0, __ATOMIC_RELEASE);
    announce(gate);
    kernel(arguments, share_of(gate, 0));
    wait_until_empty(gate);
}

// Comes in if the gate is open.
static int enter(tern_gate *gate) {
    uint32_t state = __atomic_load_n(&gate->state, __ATOMIC_RELAXED);
    while (!(state & CLOSED))
        if (__atomic_compare_exchange_n(
                &gate->state, &state, state + 1, 1, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
            return 1;
    return 0;
}

static void leave(tern_gate *gate) {
    const uint32_t state = __atomic_sub_fetch(&gate->state, 1, __ATOMIC_ACQ_REL);
    if (state == (CLOSED | WAITED_FOR)) wake_all(&gate->state);
}

void tern_gate_serve(tern_gate *gate, int32_t worker) {
    uint32_t seen = 0;
    while (!__atomic_load_n(&gate->stopped, __ATOMIC_ACQUIRE)) {
        if (spin(&gate->epoch, seen) == seen) {
            __atomic_fetch_add(&gate->sleepers, 1, __ATOMIC_SEQ_CST);
            sleep_while(&gate->epoch, seen);
            __atomic_fetch_sub(&gate->sleepers, 1, __ATOMIC_SEQ_CST);
        }
        const uint32_t epoch = __atomic_load_n(&gate->epoch, __ATOMIC_ACQUIRE);
        if (epoch != seen && enter(gate)) {
            gate->kernel(gate->arguments, share_of(gate, worker));
            leave(gate);
        }
        seen = epoch;
    }
}

void tern_gate_stop(tern_gate *gate) {
    __atomic_store_n(&gate->stopped, 1, __ATOMIC_RELEASE);
    announce(gate);
}
