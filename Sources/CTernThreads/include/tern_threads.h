// What Swift cannot say about threads: the macros of cpu_set_t, functions of many arguments.

#ifndef TERN_THREADS_H
#define TERN_THREADS_H

#include <pthread.h>
#include <spawn.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

// Writes the processors that the calling thread may run on, ascending, and returns their number,
// or a negative errno.
int32_t tern_available_processors(int32_t *processors, int32_t capacity);

// Starts a thread with a stack of 8 MiB, whatever the system's limit is: kernels take more than one
// of them, see widened_tiles. Returns 0 or an errno.
int32_t tern_start_thread(
    pthread_t *thread, void *_Nullable (*_Nonnull run)(void *_Nullable), void *_Nullable argument);

// Keeps the calling thread on one processor. Returns 0 or an errno.
int32_t tern_pin_thread(int32_t processor);

// Lets the system kill this process when the thread that started it ends. Returns 0 or an errno.
int32_t tern_die_with_parent(void);

// Closes the descriptors from `first` on in a program that is to be started. Returns 0 or an errno.
int32_t tern_close_from(posix_spawn_file_actions_t *actions, int32_t first);

#pragma clang assume_nonnull end

#endif
