/* guest-test: flags=-pthread */
/* futex_waitv(), futex_wake(), futex_wait() and futex_requeue(): the calls that came after futex().
 */
#include <pthread.h>
#include <sys/time.h>
#include <time.h>

#include "settle.h"

enum { WAITV = 449, WAKE = 454, WAIT = 455, REQUEUE = 456 };
enum { U8, U16, U32, U64, PRIVATE = 128 };
#define ALL ~0u
#define BAD ((void *)8)

struct waiter {
    uint64_t val, addr;
    uint32_t flags, reserved;
};

static uint32_t words[3];
static volatile int waiting;
static volatile long result;

static struct waiter on(int i, uint64_t val)
{
    return (struct waiter){val, (uint64_t)&words[i], U32 | PRIVATE, 0};
}

static struct timespec in(int ms)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_nsec += ms * 1000000l;
    t.tv_sec += t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    return t;
}

static void waitv_errors(void)
{
    struct waiter w[3] = {on(0, 0), on(1, 0), on(2, 0)};
    struct timespec past = {1, 0}, bad = {0, -1};
    w[1].val = 1;
    ERR(syscall(WAITV, w, 3, 0, NULL, 0), EAGAIN);
    w[1].val = 0;
    ERR(syscall(WAITV, w, 0, 0, NULL, 0), EINVAL);
    ERR(syscall(WAITV, w, 129, 0, NULL, 0), EINVAL);
    ERR(syscall(WAITV, w, 3, 1, NULL, 0), EINVAL);
    ERR(syscall(WAITV, NULL, 3, 0, NULL, 0), EINVAL);
    ERR(syscall(WAITV, BAD, 3, 0, NULL, 0), EFAULT);
    ERR(syscall(WAITV, w, 3, 0, &past, CLOCK_MONOTONIC), ETIMEDOUT);
    ERR(syscall(WAITV, w, 3, 0, &past, CLOCK_REALTIME), ETIMEDOUT);
    ERR(syscall(WAITV, w, 3, 0, &past, CLOCK_BOOTTIME), EINVAL);
    ERR(syscall(WAITV, w, 3, 0, &bad, CLOCK_MONOTONIC), EINVAL);
    ERR(syscall(WAITV, w, 3, 0, BAD, CLOCK_MONOTONIC), EFAULT);
    static const uint32_t flags[] = {U8 | PRIVATE, U16, U64 | PRIVATE, U32 | 8, U32 | 0x1000};
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        w[2].flags = flags[i];
        ERR(syscall(WAITV, w, 3, 0, &past, CLOCK_MONOTONIC), EINVAL);
    }
    w[2] = on(2, 1ull << 32);
    ERR(syscall(WAITV, w, 3, 0, &past, CLOCK_MONOTONIC), EINVAL);
    w[2] = on(2, 0);
    w[2].reserved = 1;
    ERR(syscall(WAITV, w, 3, 0, &past, CLOCK_MONOTONIC), EINVAL);
    w[2] = on(2, 0);
    w[2].addr++;
    ERR(syscall(WAITV, w, 3, 0, &past, CLOCK_MONOTONIC), EINVAL);
    w[2].addr = 8;
    ERR(syscall(WAITV, w, 3, 0, &past, CLOCK_MONOTONIC), EFAULT);
}

static void *wait_three(void *arg)
{
    struct waiter w[3] = {on(0, 0), on(1, 0), on(2, 0)};
    count(&waiting);
    result = syscall(WAITV, w, 3, 0, NULL, 0);
    return arg;
}

static void *wait_masked(void *arg)
{
    count(&waiting);
    result = syscall(WAIT, &words[0], 0, (uint32_t)(uintptr_t)arg, U32 | PRIVATE, NULL, 0);
    return NULL;
}

static void waitv(void)
{
    pthread_t t;
    pthread_create(&t, NULL, wait_three, NULL);
    settle(&waiting, 1);
    EQ(syscall(WAKE, &words[1], ALL, 5, U32 | PRIVATE), 1);
    pthread_join(t, NULL);
    EQ(result, 1); /* which one it was */
}

static void wake_and_wait_errors(void)
{
    struct timespec past = {1, 0}, bad = {0, -1};
    EQ(syscall(WAKE, &words[0], ALL, 5, U32 | PRIVATE), 0);
    ERR(syscall(WAKE, &words[0], ALL, 5, U32 | 8), EINVAL);
    ERR(syscall(WAKE, &words[0], ALL, 5, U8), EINVAL);
    ERR(syscall(WAKE, &words[0], 0, 5, U32), EINVAL);
    ERR(syscall(WAKE, &words[0], 1ul << 32, 5, U32), EINVAL);
    ERR(syscall(WAKE, (char *)&words[0] + 1, ALL, 5, U32), EINVAL);
    ERR(syscall(WAKE, BAD, ALL, 5, U32), EFAULT);
    ERR(syscall(WAIT, &words[0], 1, ALL, U32 | PRIVATE, NULL, 0), EAGAIN);
    ERR(syscall(WAIT, &words[0], 0, ALL, U32 | PRIVATE, &past, CLOCK_MONOTONIC), ETIMEDOUT);
    ERR(syscall(WAIT, &words[0], 0, ALL, U32 | PRIVATE, &past, CLOCK_REALTIME), ETIMEDOUT);
    ERR(syscall(WAIT, &words[0], 0, ALL, U32 | PRIVATE, &past, CLOCK_BOOTTIME), EINVAL);
    ERR(syscall(WAIT, &words[0], 0, ALL, U32 | PRIVATE, &bad, CLOCK_MONOTONIC), EINVAL);
    ERR(syscall(WAIT, &words[0], 0, ALL, U32 | PRIVATE, BAD, CLOCK_MONOTONIC), EFAULT);
    ERR(syscall(WAIT, &words[0], 0, 0, U32 | PRIVATE, &past, CLOCK_MONOTONIC), EINVAL);
    ERR(syscall(WAIT, &words[0], 1ul << 32, ALL, U32, &past, CLOCK_MONOTONIC), EINVAL);
    ERR(syscall(WAIT, &words[0], 0, 1ul << 32, U32, &past, CLOCK_MONOTONIC), EINVAL);
    ERR(syscall(WAIT, &words[0], 0, ALL, U64, &past, CLOCK_MONOTONIC), EINVAL);
    ERR(syscall(WAIT, BAD, 0, ALL, U32 | PRIVATE, NULL, 0), EFAULT);
}

static void wake_and_wait(void)
{
    pthread_t t[2];
    waiting = 0;
    for (int i = 0; i < 2; i++)
        pthread_create(&t[i], NULL, wait_masked, (void *)(uintptr_t)(1u << i));
    settle(&waiting, 2);
    EQ(syscall(WAKE, &words[0], ALL, 0, U32 | PRIVATE), 0); /* none is none here */
    EQ(syscall(WAKE, &words[0], 4, 5, U32 | PRIVATE), 0);
    EQ(syscall(WAKE, &words[0], 2, 5, U32 | PRIVATE), 1);
    pthread_join(t[1], NULL);
    EQ(result, 0);
    struct waiter w[2] = {on(0, 0), on(1, 0)};
    EQ(syscall(REQUEUE, w, 0, 0, 5), 1);
    EQ(syscall(WAKE, &words[0], ALL, 5, U32 | PRIVATE), 0);
    EQ(syscall(WAKE, &words[1], ALL, 5, U32 | PRIVATE), 1);
    pthread_join(t[0], NULL);
}

static void requeue_errors(void)
{
    struct waiter w[2] = {on(0, 0), on(1, 99)};
    EQ(syscall(REQUEUE, w, 0, 1, 1), 0); /* only the first value counts */
    ERR(syscall(REQUEUE, w, 1, 1, 1), EINVAL);
    ERR(syscall(REQUEUE, NULL, 0, 1, 1), EINVAL);
    ERR(syscall(REQUEUE, BAD, 0, 1, 1), EFAULT);
    ERR(syscall(REQUEUE, w, 0, -1, 1), EINVAL);
    ERR(syscall(REQUEUE, w, 0, 1, -1), EINVAL);
    w[1].flags = U32 | 8;
    ERR(syscall(REQUEUE, w, 0, 1, 1), EINVAL);
    w[1] = on(1, 0);
    w[0].val = 1;
    ERR(syscall(REQUEUE, w, 0, 1, 1), EAGAIN);
    w[0].addr = 8;
    ERR(syscall(REQUEUE, w, 0, 1, 1), EFAULT);
}

static volatile int alarms;

static void on_alarm(int sig)
{
    struct itimerval it = {{0, 0}, {0, 50000}};
    (void)sig;
    if (++alarms == 2)
        words[0] = 1; /* a wait that starts anew sees it */
    setitimer(ITIMER_REAL, &it, NULL);
}

/* With SA_RESTART these start anew, also with a timeout: it is absolute. */
static void interrupted(void)
{
    struct sigaction sa = {.sa_handler = on_alarm};
    for (int flags = 0; flags <= SA_RESTART; flags += SA_RESTART) {
        struct waiter w[1] = {on(0, 0)};
        struct timespec end = in(5000);
        sa.sa_flags = flags;
        sigaction(SIGALRM, &sa, NULL);
        alarms = -1;
        on_alarm(0);
        ERR(syscall(WAITV, w, 1, 0, &end, CLOCK_MONOTONIC), flags ? EAGAIN : EINTR);
        EQ(alarms, flags ? 2 : 1);
        words[0] = 0;
        alarms = -1;
        on_alarm(0);
        ERR(syscall(WAIT, &words[0], 0, ALL, U32 | PRIVATE, &end, CLOCK_MONOTONIC),
            flags ? EAGAIN : EINTR);
        EQ(alarms, flags ? 2 : 1);
        words[0] = 0;
    }
    signal(SIGALRM, SIG_IGN);
}

int main(void)
{
    waitv_errors();
    wake_and_wait_errors();
    requeue_errors();
    waitv();
    wake_and_wait();
    interrupted();
    return done();
}
