// Counts heap allocations, of the calling thread or of all, by standing in for the C library's
// malloc. Linked into tests and tern-counts alone.

#ifndef ALLOCATION_COUNTER_H
#define ALLOCATION_COUNTER_H

#include <stdint.h>

// Allocations made by this thread since it started.
int64_t allocation_count(void);

// Bytes that they asked for together.
int64_t allocated_bytes(void);

// Allocations made by all threads since the start of the process.
int64_t process_allocation_count(void);

#endif
