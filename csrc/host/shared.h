/*
 * shared.h - a lock between the processes of a run.
 *
 * It lies in memory that they share (host_mem_shared(), before the first fork) and costs no host
 * call while nobody waits. When its holder ends, however it ends, the next one gets it: what it
 * guards must be right, or be put right, at any point at which its holder may have stopped.
 */
#ifndef ELFUSE_HOST_SHARED_H
#define ELFUSE_HOST_SHARED_H

#include <stdint.h>

/* Not recursive. Never taken in a signal handler. */
struct host_shared_mutex {
    _Alignas(16) uint8_t opaque[48];
};
/* Once, before any process uses it: 0 or -errno. */
int host_shared_mutex_init(struct host_shared_mutex *mutex);
void host_shared_mutex_lock(struct host_shared_mutex *mutex);
/* The same, with repair(arg) called under the lock when its last holder has ended with it; again
 * when this one does so in repair(). */
void host_shared_mutex_lock_repair(struct host_shared_mutex *mutex, void (*repair)(void *arg),
                                   void *arg);
void host_shared_mutex_unlock(struct host_shared_mutex *mutex);

#endif
