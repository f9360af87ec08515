/* shared.c - host/shared.h on Linux: the C library's robust mutexes, which the kernel gives back
 * when a thread ends with one. */
#include "host/shared.h"

#include <errno.h>
#include <pthread.h>

_Static_assert(sizeof(pthread_mutex_t) <= sizeof(struct host_shared_mutex), "host_shared_mutex");

#define SPINS 50

static void pause_briefly(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb");
#endif
}

static pthread_mutex_t *as_mutex(struct host_shared_mutex *mutex)
{
    return (pthread_mutex_t *)(void *)mutex->opaque;
}

int host_shared_mutex_init(struct host_shared_mutex *mutex)
{
    pthread_mutexattr_t attr;
    int err = pthread_mutexattr_init(&attr);

    if (err)
        return -err;
    pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    err = pthread_mutex_init(as_mutex(mutex), &attr);
    pthread_mutexattr_destroy(&attr);
    return -err;
}

void host_shared_mutex_lock(struct host_shared_mutex *mutex)
{
    if (pthread_mutex_lock(as_mutex(mutex)) == EOWNERDEAD)
        pthread_mutex_consistent(as_mutex(mutex));
}

void host_shared_mutex_lock_repair(struct host_shared_mutex *mutex, void (*repair)(void *arg),
                                   void *arg)
{
    int err = EBUSY;
    /* What it guards takes a microsecond: sleeping and being woken takes ten. */
    for (int i = 0; err == EBUSY && i < SPINS; i++) {
        err = pthread_mutex_trylock(as_mutex(mutex));
        if (err == EBUSY)
            pause_briefly();
    }
    if (err == EBUSY)
        err = pthread_mutex_lock(as_mutex(mutex));
    if (err != EOWNERDEAD)
        return;
    repair(arg);
    pthread_mutex_consistent(as_mutex(mutex));
}

void host_shared_mutex_unlock(struct host_shared_mutex *mutex)
{
    pthread_mutex_unlock(as_mutex(mutex));
}
