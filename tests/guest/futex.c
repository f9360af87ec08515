/* guest-test: flags=-pthread */
/* The futex call itself: waiting, waking, requeueing, timeouts, signals and errors. */
#include <linux/futex.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>

#include "settle.h"

#define P   4096ul
#define BAD ((void *)8)

static uint32_t word, word2;
static volatile int woken, waiting;

static long futex(void *at, int op, uint32_t val, const void *timeout, void *at2, uint32_t val3)
{
    return syscall(SYS_futex, at, op, val, timeout, at2, val3);
}

static long wait_on(void *at, uint32_t val, const void *timeout)
{
    return futex(at, FUTEX_WAIT_PRIVATE, val, timeout, NULL, 0);
}

static long wait_bits(void *at, uint32_t val, const void *timeout, uint32_t bits)
{
    return futex(at, FUTEX_WAIT_BITSET_PRIVATE, val, timeout, NULL, bits);
}

static void *waiter(void *arg)
{
    count(&waiting);
    while (wait_bits(&word, 0, NULL, (uint32_t)(uintptr_t)arg) == -1 && errno == EINTR)
        ;
    count(&woken);
    return NULL;
}

static void wait_errors(void)
{
    struct timespec little = {0, 20000000}, past = {1, 0}, bad = {0, 1000000000}, neg = {-1, 0};
    ERR(wait_on(&word, 1, NULL), EAGAIN);
    ERR(wait_on(&word, 0, &little), ETIMEDOUT);
    ERR(wait_bits(&word, 0, &past, ~0u), ETIMEDOUT);
    ERR(futex(&word, FUTEX_WAIT_BITSET_PRIVATE | FUTEX_CLOCK_REALTIME, 0, &past, NULL, ~0u),
        ETIMEDOUT);
    ERR(wait_on(&word, 0, &bad), EINVAL);
    ERR(wait_on(&word, 0, &neg), EINVAL);
    ERR(wait_on(&word, 0, BAD), EFAULT);
    ERR(wait_on(BAD, 0, &bad), EINVAL); /* the time is looked at first */
    ERR(wait_bits(&word, 0, NULL, 0), EINVAL);
    ERR(wait_on((char *)&word + 1, 0, NULL), EINVAL);
    ERR(wait_on(BAD, 0, NULL), EFAULT);
    ERR(wait_on((void *)~3ul, 0, NULL), EFAULT);
    ERR(futex(&word, FUTEX_WAIT, 1, NULL, NULL, 0), EAGAIN); /* of any process */
    ERR(futex(&word, 77, 0, NULL, NULL, 0), ENOSYS);
    ERR(futex(&word, FUTEX_FD, SIGIO, NULL, NULL, 0), ENOSYS);
    ERR(futex(&word, FUTEX_WAIT_PRIVATE | FUTEX_CLOCK_REALTIME, 0, &little, NULL, 0), ENOSYS);
    ERR(futex(&word, FUTEX_WAIT_PRIVATE | FUTEX_CLOCK_REALTIME, 0, &bad, NULL, 0), EINVAL);
    ERR(futex(&word, FUTEX_WAIT_PRIVATE | FUTEX_CLOCK_REALTIME, 0, BAD, NULL, 0), EFAULT);
    ERR(futex(&word, FUTEX_WAKE_PRIVATE | FUTEX_CLOCK_REALTIME, 0, NULL, NULL, 0), ENOSYS);
    ERR(futex(&word, FUTEX_WAKE_PRIVATE | FUTEX_CLOCK_REALTIME, 0, BAD, NULL, 0), ENOSYS);
    ERR(futex(&word, FUTEX_WAIT_PRIVATE | 512, 0, NULL, NULL, 0), ENOSYS);
}

/* Memory that may not be read, or not be written: what Linux says is not EACCES. */
static void protected(void)
{
    char *none = mmap(NULL, P, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *ro = mmap(NULL, P, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ERR(wait_on(none, 0, NULL), EFAULT);
    ERR(futex(none, FUTEX_WAIT, 0, NULL, NULL, 0), EFAULT);
    ERR(futex(none, FUTEX_WAKE, 1, NULL, NULL, 0), EFAULT);
    ERR(futex(&word, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, ro, FUTEX_OP(0, 1, 0, 0)), EFAULT);
    ERR(futex(ro, FUTEX_LOCK_PI, 0, NULL, NULL, 0), EFAULT);
    ERR(futex(ro, FUTEX_WAIT, 1, NULL, NULL, 0), EFAULT); /* anonymous: no other sees it change */
    ERR(wait_on(ro, 1, NULL), EAGAIN);
    munmap(none, P);
    munmap(ro, P);
}

static void wake_errors(void)
{
    char *gone = mmap(NULL, P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(gone, P);
    EQ(futex(&word, FUTEX_WAKE_PRIVATE, 10, NULL, NULL, 0), 0);
    ERR(futex(&word, FUTEX_WAKE_BITSET_PRIVATE, 10, NULL, NULL, 0), EINVAL);
    ERR(futex((void *)~3ul, FUTEX_WAKE_BITSET_PRIVATE, 10, NULL, NULL, 0), EINVAL);
    ERR(futex((void *)~3ul, FUTEX_WAKE_BITSET_PRIVATE, 10, NULL, NULL, 1), EFAULT);
    ERR(futex((void *)~3ul, FUTEX_REQUEUE_PRIVATE, -1, (void *)1, &word2, 0), EINVAL);
    ERR(futex((void *)~3ul, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)-1, &word2, 0), EINVAL);
    ERR(futex((char *)&word + 2, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), EINVAL);
    /* A private word is its address: nobody looks whether there is one. */
    EQ(futex(gone, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), 0);
    ERR(futex(gone, FUTEX_WAKE, 1, NULL, NULL, 0), EFAULT);
    ERR(futex((void *)~3ul, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), EFAULT);
    ERR(futex(&word, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)1, &word2, 5), EAGAIN);
    ERR(futex(&word, FUTEX_CMP_REQUEUE_PRIVATE, -1, (void *)1, &word2, 0), EINVAL);
    ERR(futex(&word, FUTEX_REQUEUE_PRIVATE, 1, (void *)-1, &word2, 0), EINVAL);
    ERR(futex(&word, FUTEX_REQUEUE_PRIVATE, 1, (void *)1, (char *)&word2 + 1, 0), EINVAL);
    ERR(futex(gone, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)1, &word2, 0), EFAULT);
    ERR(futex(&word, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, gone, FUTEX_OP(0, 1, 0, 0)), EFAULT);
    ERR(futex(&word, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, &word2, FUTEX_OP(7, 1, 0, 0)), ENOSYS);
    ERR(futex(&word, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, &word2, FUTEX_OP(0, 1, 7, 0)), ENOSYS);
    word2 = 0;
}

static void waking(void)
{
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

    /* None is asked for, one comes: as old as the call. */
    waiting = woken = 0;
    for (int i = 0; i < 2; i++)
        pthread_create(&t[i], NULL, waiter, (void *)~0ul);
    settle(&waiting, 2);
    EQ(futex(&word, FUTEX_WAKE_PRIVATE, 0, NULL, NULL, 0), 1);
    EQ(futex(&word, FUTEX_REQUEUE_PRIVATE, 0, (void *)5, &word2, 0), 1);
    EQ(futex(&word2, FUTEX_WAKE_PRIVATE, 5, NULL, NULL, 0), 1);
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
}

/* FUTEX_WAKE_OP changes the second word and wakes its waiters if the old value compares so. */
static void wake_op(void)
{
    static const struct {
        uint32_t op, arg, before, after;
    } ops[] = {
        {FUTEX_OP_SET, 9, 3, 9},      {FUTEX_OP_ADD, 4, 3, 7}, {FUTEX_OP_OR, 12, 3, 15},
        {FUTEX_OP_ANDN, 2, 3, 1},     {FUTEX_OP_XOR, 5, 3, 6}, {FUTEX_OP_ADD, 0xfff, 3, 2},
        {FUTEX_OP_SET | 8, 4, 3, 16},
    };
    for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
        word2 = ops[i].before;
        uint32_t encoded = ops[i].op << 28 | FUTEX_OP_CMP_EQ << 24 | ops[i].arg << 12 | 3;
        EQ(futex(&word, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, &word2, encoded), 0);
        EQ(word2, ops[i].after);
    }
    pthread_t t;
    waiting = woken = 0;
    pthread_create(&t, NULL, waiter, (void *)~0ul);
    settle(&waiting, 1);
    word2 = 5;
    EQ(futex(&word2, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, &word,
             FUTEX_OP(FUTEX_OP_ADD, 0, FUTEX_OP_CMP_GT, 0)),
       0);
    EQ(futex(&word2, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, &word,
             FUTEX_OP(FUTEX_OP_ADD, 0, FUTEX_OP_CMP_LE, 0)),
       1);
    pthread_join(t, NULL);
    EQ(woken, 1);
    word2 = 0;
}

/* A word in shared memory is the same at each of its addresses. */
static void *shared_waiter(void *arg)
{
    count(&waiting);
    while (futex(arg, FUTEX_WAIT, 0, NULL, NULL, 0) == -1 && errno == EINTR)
        ;
    return NULL;
}

static void shared(void)
{
    int fd = memfd_create("word", 0);
    OK(ftruncate(fd, P));
    char *a = mmap(NULL, P, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char *b = mmap(NULL, P, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    pthread_t t;
    waiting = 0;
    pthread_create(&t, NULL, shared_waiter, a + 8);
    settle(&waiting, 1);
    EQ(futex(b + 8, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), 0); /* by address: nobody */
    EQ(futex(b + 8, FUTEX_WAKE, 1, NULL, NULL, 0), 1);
    pthread_join(t, NULL);
    munmap(a, P);
    munmap(b, P);
    close(fd);
}

static volatile int alarms;

static void alarm_in(int ms)
{
    struct itimerval it = {{0, 0}, {0, ms * 1000}};
    setitimer(ITIMER_REAL, &it, NULL);
}

static void on_alarm(int sig)
{
    (void)sig;
    if (++alarms == 2)
        word = 1; /* a wait that starts anew sees it */
    alarm_in(50);
}

/* A wait with a timeout is ended by a handler; one without starts anew with SA_RESTART. */
static void interrupted(void)
{
    struct timespec lots = {5, 0}, end;
    struct sigaction sa = {.sa_handler = on_alarm};
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += 5;
    for (int flags = 0; flags <= SA_RESTART; flags += SA_RESTART) {
        sa.sa_flags = flags;
        sigaction(SIGALRM, &sa, NULL);
        alarms = -100;
        alarm_in(50);
        ERR(wait_on(&word, 0, &lots), EINTR);
        ERR(wait_bits(&word, 0, &end, ~0u), EINTR);
        alarms = 0;
        if (flags)
            ERR(wait_on(&word, 0, NULL), EAGAIN);
        else
            ERR(wait_on(&word, 0, NULL), EINTR);
        EQ(alarms, flags ? 2 : 1);
        word = 0;
    }
    alarms = -100;
    sa.sa_handler = SIG_IGN;
    sigaction(SIGALRM, &sa, NULL);
    alarm_in(10);
    struct timespec little = {0, 30000000};
    ERR(wait_on(&word, 0, &little), ETIMEDOUT);
}

int main(void)
{
    wait_errors();
    protected();
    wake_errors();
    waking();
    wake_op();
    shared();
    interrupted();
    return done();
}
