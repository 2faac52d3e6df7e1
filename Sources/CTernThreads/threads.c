// Stacks and affinity of threads and the bond to a parent, through the system's macros; no policy.

#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>

#include "tern_threads.h"

int32_t tern_available_processors(int32_t *processors, int32_t capacity) {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) != 0) return -errno;
    int32_t count = 0;
    for (int32_t cpu = 0; cpu < CPU_SETSIZE && count < capacity; cpu++)
        if (CPU_ISSET(cpu, &set)) processors[count++] = cpu;
    return count;
}

enum { STACK_BYTES = 8 << 20 };

int32_t tern_start_thread(
    pthread_t *thread, void *_Nullable (*_Nonnull run)(void *_Nullable), void *_Nullable argument) {
    pthread_attr_t attributes;
    int32_t cause = pthread_attr_init(&attributes);
    if (cause != 0) return cause;
    cause = pthread_attr_setstacksize(&attributes, STACK_BYTES);
    if (cause == 0) cause = pthread_create(thread, &attributes, run, argument);
    pthread_attr_destroy(&attributes);
    return cause;
}

int32_t tern_pin_thread(int32_t processor) {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (processor < 0 || processor >= CPU_SETSIZE) return EINVAL;
    CPU_SET(processor, &set);
    return pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

int32_t tern_die_with_parent(void) {
    return prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 ? 0 : errno;
}

int32_t tern_close_from(posix_spawn_file_actions_t *actions, int32_t first) {
    return posix_spawn_file_actions_addclosefrom_np(actions, first);
}
