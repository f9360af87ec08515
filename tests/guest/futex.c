/* guest-test: flags=-pthread */
/* The futex call itself: its operations, timeouts and errors. */
#include <linux/futex.h>
#include <pthread.h>
#include <sys/time.h>
#include <time.h>

#include "guest.h"

static uint32_t word, word2;
static volatile int woken, waiting;

static long futex(uint32_t *at, int op, uint32_t val, const void *timeout, uint32_t *at2,
                  uint32_t val3)
{
    return syscall(SYS_futex, at, op, val, timeout, at2, val3);
}

static void *waiter(void *arg)
{
    __atomic_add_fetch(&waiting, 1, __ATOMIC_SEQ_CST);
    while (futex(&word, FUTEX_WAIT_BITSET_PRIVATE, 0, NULL, NULL, (uint32_t)(uintptr_t)arg) == -1 &&
           errno == EINTR)
        ;
    __atomic_add_fetch(&woken, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

static void settle(volatile int *what, int n)
{
    for (int i = 0; i < 2000 && *what < n; i++)
        usleep(1000);
    EQ(*what, n);
    usleep(20000); /* from counted to asleep */
}

static volatile int alarms;

static void on_alarm(int sig)
{
    (void)sig;
    alarms++;
}

int main(void)
{
    struct timespec little = {0, 20000000}, past = {1, 0}, bad = {0, 1000000000};
    ERR(futex(&word, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0), EAGAIN);
    ERR(futex(&word, FUTEX_WAIT_PRIVATE, 0, &little, NULL, 0), ETIMEDOUT);
    ERR(futex(&word, FUTEX_WAIT_BITSET_PRIVATE, 0, &past, NULL, ~0u), ETIMEDOUT);
    ERR(futex(&word, FUTEX_WAIT_BITSET_PRIVATE | FUTEX_CLOCK_REALTIME, 0, &past, NULL, ~0u),
        ETIMEDOUT);
    ERR(futex(&word, FUTEX_WAIT_PRIVATE, 0, &bad, NULL, 0), EINVAL);
    ERR(futex(&word, FUTEX_WAIT_BITSET_PRIVATE, 0, NULL, NULL, 0), EINVAL);
    ERR(futex((uint32_t *)((char *)&word + 1), FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0), EINVAL);
    ERR(futex((uint32_t *)64, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0), EFAULT);
    ERR(futex(&word, 77, 0, NULL, NULL, 0), ENOSYS);
    EQ(futex(&word, FUTEX_WAKE_PRIVATE, 10, NULL, NULL, 0), 0);

    pthread_t t[3];
    for (int i = 0; i < 3; i++)
        pthread_create(&t[i], NULL, waiter, (void *)(uintptr_t)(1u << i));
    settle(&waiting, 3);
    EQ(futex(&word, FUTEX_WAKE_BITSET_PRIVATE, 10, NULL, NULL, 2), 1);
    settle(&woken, 1);
    EQ(futex(&word, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)10, &word2, 0), 2);
    settle(&woken, 2);
    EQ(futex(&word, FUTEX_WAKE_PRIVATE, 10, NULL, NULL, 0), 0);
    EQ(futex(&word2, FUTEX_WAKE_PRIVATE, 10, NULL, NULL, 0), 1);
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
    ERR(futex(&word, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)1, &word2, 5), EAGAIN);

    word2 = 3;
    EQ(futex(&word, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, &word2,
             FUTEX_OP(FUTEX_OP_ADD, 4, FUTEX_OP_CMP_EQ, 3)),
       0);
    EQ(word2, 7);

    /* A PI lock holds its owner's number. */
    word = 0;
    EQ(futex(&word, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0), 0);
    EQ(word & FUTEX_TID_MASK, syscall(SYS_gettid));
    ERR(futex(&word, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0), EDEADLK);
    EQ(futex(&word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0), 0);
    EQ(word, 0);
    ERR(futex(&word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0), EPERM);

    /* A handler ends a timed wait with EINTR. */
    struct sigaction sa = {.sa_handler = on_alarm};
    sigaction(SIGALRM, &sa, NULL);
    struct itimerval it = {{0, 0}, {0, 20000}};
    struct timespec lots = {5, 0};
    setitimer(ITIMER_REAL, &it, NULL);
    ERR(futex(&word, FUTEX_WAIT_PRIVATE, 0, &lots, NULL, 0), EINTR);
    EQ(alarms, 1);

    struct {
        uint64_t val, addr;
        uint32_t flags, reserved;
    } wv[2] = {{0, (uint64_t)&word, 0x82, 0}, {1, (uint64_t)&word2, 0x82, 0}};
    ERR(syscall(449, wv, 2, 0, NULL, 0), EAGAIN);
    ERR(syscall(449, wv, 0, 0, NULL, 0), EINVAL);
    ERR(syscall(449, wv, 129, 0, NULL, 0), EINVAL);
    struct timespec soon;
    clock_gettime(CLOCK_MONOTONIC, &soon);
    wv[1].val = word2;
    ERR(syscall(449, wv, 2, 0, &soon, CLOCK_MONOTONIC), ETIMEDOUT);

    void *head;
    size_t len;
    OK(syscall(SYS_get_robust_list, 0, &head, &len));
    EQ(len, 24);
    CHECK(head != NULL);
    ERR(syscall(SYS_set_robust_list, head, 23), EINVAL);
    ERR(syscall(SYS_get_robust_list, 999999, &head, &len), ESRCH);
    return done();
}
