/*
 * thread.h - host threads and locks.
 *
 * A new thread starts with every signal blocked, so that no handler runs before it has a task; it
 * unblocks them with host_signals_thread_init() (signal.h). Functions return 0 or a negative Linux
 * errno.
 */
#ifndef ELFUSE_HOST_THREAD_H
#define ELFUSE_HOST_THREAD_H

#include <stdbool.h>
#include <stdint.h>

#include "linux/abi/time.h"

/* Start a detached thread that runs fn(arg). -LINUX_EAGAIN when the host has no room for it. */
int host_thread_create(void (*fn)(void *), void *arg);

/* The host's number of the calling thread, for host_thread_kick(). */
int32_t host_thread_id(void);

void host_thread_yield(void);

/* The host's number of the process. */
int32_t host_process_id(void);

/*
 * End the calling thread. The process's first thread is parked instead: were it gone, /proc/self on
 * the host would show a zombie, with no descriptors behind it.
 */
void host_thread_exit(void) __attribute__((noreturn));

/* End the process at once, all threads. */
void host_process_exit(int status) __attribute__((noreturn));

/* A mutex; zero bytes are a valid unlocked one. Not recursive. Never taken in a signal handler. */
struct host_mutex {
    _Alignas(16) uint8_t opaque[48];
};
void host_mutex_lock(struct host_mutex *mutex);
void host_mutex_unlock(struct host_mutex *mutex);

/* A condition variable; zero bytes are a valid one. Waits are not interrupted by signals. */
struct host_cond {
    _Alignas(16) uint8_t opaque[48];
};
void host_cond_wait(struct host_cond *cond, struct host_mutex *mutex);
/* Wait until `deadline` on the host's CLOCK_REALTIME at most: false when it has passed. */
bool host_cond_timedwait(struct host_cond *cond, struct host_mutex *mutex,
                         const struct linux_timespec *deadline);
void host_cond_broadcast(struct host_cond *cond);

#endif
