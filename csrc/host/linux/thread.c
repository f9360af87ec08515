#include "host/thread.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <stdlib.h>

#include "host/linux/reserved.h"
#include "host/linux/safe_syscall.h"

/* Deep enough for the kernel's own frames (path walks, signal frames); the guest's stack is
 * elsewhere. */
#define HOST_STACK_SIZE (512 * 1024)

_Static_assert(sizeof(pthread_mutex_t) <= sizeof(struct host_mutex), "struct host_mutex");
_Static_assert(sizeof(pthread_cond_t) <= sizeof(struct host_cond), "struct host_cond");

struct start {
    void (*fn)(void *);
    void *arg;
};

/* Where host_thread_exit() goes on; NULL on the process's first thread. */
static _Thread_local jmp_buf *thread_end;

static void *thread_main(void *arg)
{
    const struct start start = *(struct start *)arg;
    free(arg);
    jmp_buf end;
    thread_end = &end;
    if (_setjmp(end) == 0)
        start.fn(start.arg);
    return NULL;
}

int host_thread_create(void (*fn)(void *), void *arg)
{
    struct start *start = malloc(sizeof(*start));
    if (!start)
        return -LINUX_EAGAIN;
    *start = (struct start){fn, arg};

    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, HOST_STACK_SIZE);
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    pthread_t thread;
    int err = pthread_create(&thread, &attr, thread_main, start);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attr);
    if (err)
        free(start);
    return err ? -LINUX_EAGAIN : 0;
}

void host_thread_forked(void)
{
    thread_end = NULL;
}

int32_t host_thread_id(void)
{
    return (int32_t)host_syscall(SYS_gettid);
}

void host_thread_yield(void)
{
    sched_yield();
}

int32_t host_process_id(void)
{
    return (int32_t)getpid();
}

void host_thread_exit(void)
{
    /* Not pthread_exit(): it opens libgcc_s.so.1 to unwind, at a low descriptor that a guest
     * thread in execve or close_range may close in that moment. */
    if (thread_end)
        _longjmp(*thread_end, 1);
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    for (;;)
        pause();
}

void host_process_exit(int status)
{
    _exit(status);
}

static pthread_mutex_t *as_mutex(struct host_mutex *mutex)
{
    return (pthread_mutex_t *)(void *)mutex->opaque;
}

static pthread_cond_t *as_cond(struct host_cond *cond)
{
    return (pthread_cond_t *)(void *)cond->opaque;
}

void host_mutex_lock(struct host_mutex *mutex)
{
    pthread_mutex_lock(as_mutex(mutex));
}
void host_mutex_unlock(struct host_mutex *mutex)
{
    pthread_mutex_unlock(as_mutex(mutex));
}

void host_cond_wait(struct host_cond *cond, struct host_mutex *mutex)
{
    pthread_cond_wait(as_cond(cond), as_mutex(mutex));
}

bool host_cond_timedwait(struct host_cond *cond, struct host_mutex *mutex,
                         const struct linux_timespec *deadline)
{
    struct timespec ts = {.tv_sec = deadline->tv_sec, .tv_nsec = deadline->tv_nsec};
    return pthread_cond_timedwait(as_cond(cond), as_mutex(mutex), &ts) != ETIMEDOUT;
}

void host_cond_broadcast(struct host_cond *cond)
{
    pthread_cond_broadcast(as_cond(cond));
}
