// The C library lets a program define malloc and its kin; these count and pass on to glibc's own.

#include <errno.h>
#include <stddef.h>

#include "allocation_counter.h"

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static __thread int64_t count;
static __thread int64_t total_bytes;
static int64_t process_count;

int64_t allocation_count(void) { return count; }

int64_t allocated_bytes(void) { return total_bytes; }

int64_t process_allocation_count(void) { return __atomic_load_n(&process_count, __ATOMIC_RELAXED); }

static void note(size_t bytes) {
    count++;
    __atomic_fetch_add(&process_count, 1, __ATOMIC_RELAXED);
    total_bytes += (int64_t)bytes;
}

void *malloc(size_t bytes) {
    note(bytes);
    return __libc_malloc(bytes);
}

void *calloc(size_t items, size_t bytes) {
    note(items * bytes);
    return __libc_calloc(items, bytes);
}

void *realloc(void *old, size_t bytes) {
    note(bytes);
    return __libc_realloc(old, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes) {
    note(bytes);
    return __libc_memalign(alignment, bytes);
}

int posix_memalign(void **result, size_t alignment, size_t bytes) {
    note(bytes);
    void *memory = __libc_memalign(alignment, bytes);
    if (memory) *result = memory;
    return memory ? 0 : ENOMEM;
}
