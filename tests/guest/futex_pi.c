/* guest-test: flags=-pthread */
/* Priority-inheriting locks, requeueing to them, and robust lists. */
#include <linux/futex.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/wait.h>
#include <time.h>

#include "settle.h"

#define BAD ((void *)8)

static uint32_t word, lock;
static volatile int waiting, locked;

static long futex(void *at, int op, uint32_t val, const void *timeout, void *at2, uint32_t val3)
{
    return syscall(SYS_futex, at, op | FUTEX_PRIVATE_FLAG, val, timeout, at2, val3);
}

static uint32_t own_tid(void)
{
    return (uint32_t)syscall(SYS_gettid);
}

/* The word holds the owner's number. */
static void alone(void)
{
    struct timespec bad = {0, 1000000000};
    lock = 0;
    EQ(futex(&lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0), 0);
    EQ(lock, own_tid());
    ERR(futex(&lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0), EDEADLK);
    ERR(futex(&lock, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0), EDEADLK);
    EQ(futex(&lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), 0);
    EQ(lock, 0);
    ERR(futex(&lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), EPERM);
    EQ(futex(&lock, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0), 0);
    EQ(futex(&lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), 0);
    EQ(futex(&lock, FUTEX_LOCK_PI2, 0, NULL, NULL, 0), 0);
    EQ(futex(&lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), 0);
    lock = FUTEX_OWNER_DIED; /* nobody's: the flag stays for the C library */
    EQ(futex(&lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0), 0);
    EQ(lock, own_tid() | FUTEX_OWNER_DIED);
    lock = 999999; /* no such thread */
    ERR(futex(&lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0), ESRCH);
    ERR(futex(&lock, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0), ESRCH);
    ERR(futex(&lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), EPERM);
    lock = 0;
    ERR(futex(BAD, FUTEX_LOCK_PI, 0, NULL, NULL, 0), EFAULT);
    ERR(futex(BAD, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), EFAULT);
    ERR(futex((char *)&lock + 2, FUTEX_LOCK_PI, 0, NULL, NULL, 0), EINVAL);
    ERR(futex((char *)&lock + 2, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), EPERM); /* not its owner */
    ERR(futex(&lock, FUTEX_LOCK_PI, 0, &bad, NULL, 0), EINVAL);
    ERR(futex(&lock, FUTEX_LOCK_PI, 0, BAD, NULL, 0), EFAULT);
    ERR(futex(&lock, FUTEX_LOCK_PI | FUTEX_CLOCK_REALTIME, 0, NULL, NULL, 0), ENOSYS);
}

static void *take_lock(void *arg)
{
    struct timespec past = {1, 0};
    ERR(futex(&lock, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0), EAGAIN);
    ERR(futex(&lock, FUTEX_LOCK_PI, 0, &past, NULL, 0), ETIMEDOUT);
    ERR(futex(&lock, FUTEX_LOCK_PI2, 0, &past, NULL, 0), ETIMEDOUT);
    ERR(futex(&lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), EPERM);
    count(&waiting);
    EQ(futex(&lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0), 0);
    EQ(lock & FUTEX_TID_MASK, own_tid());
    count(&locked);
    EQ(futex(&lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), 0);
    return arg;
}

static void contended(void)
{
    pthread_t t;
    EQ(futex(&lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0), 0);
    pthread_create(&t, NULL, take_lock, NULL);
    settle(&waiting, 1);
    EQ(lock, own_tid() | FUTEX_WAITERS);
    EQ(locked, 0);
    EQ(futex(&lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), 0);
    pthread_join(t, NULL);
    EQ(locked, 1);
    EQ(lock & FUTEX_TID_MASK, 0);
    lock = 0;
}

/* A condition's waiter is moved to the lock that it needs. */
static void *wait_requeue(void *arg)
{
    count(&waiting);
    EQ(futex(&word, FUTEX_WAIT_REQUEUE_PI, 0, NULL, &lock, 0), 0);
    EQ(lock & FUTEX_TID_MASK, own_tid());
    count(&locked);
    EQ(futex(&lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), 0);
    return arg;
}

static void requeue(void)
{
    struct timespec past = {1, 0};
    ERR(futex(&word, FUTEX_WAIT_REQUEUE_PI, 1, NULL, &lock, 0), EAGAIN);
    ERR(futex(&word, FUTEX_WAIT_REQUEUE_PI, 0, &past, &lock, 0), ETIMEDOUT);
    ERR(futex(&word, FUTEX_WAIT_REQUEUE_PI, 0, NULL, &word, 0), EINVAL);
    ERR(futex(&word, FUTEX_CMP_REQUEUE_PI, 1, NULL, &word, 0), EINVAL);
    ERR(futex(&word, FUTEX_CMP_REQUEUE_PI, 2, NULL, &lock, 0), EINVAL);
    ERR(futex(&word, FUTEX_CMP_REQUEUE_PI, 0, NULL, &lock, 0), EINVAL);
    ERR(futex(&word, FUTEX_CMP_REQUEUE_PI, 1, NULL, &lock, 7), EAGAIN);
    ERR(futex(&word, FUTEX_CMP_REQUEUE_PI, 1, (void *)9, BAD, 7), EAGAIN);
    ERR(futex(&word, FUTEX_CMP_REQUEUE_PI, 1, (void *)9, BAD, 0), EFAULT); /* nobody waits */
    EQ(futex(&word, FUTEX_CMP_REQUEUE_PI, 1, (void *)9, &lock, 0), 0);
    pthread_t t[3];
    waiting = locked = 0;
    for (int i = 0; i < 3; i++)
        pthread_create(&t[i], NULL, wait_requeue, NULL);
    settle(&waiting, 3);
    EQ(futex(&lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0), 0);
    EQ(futex(&word, FUTEX_CMP_REQUEUE_PI, 1, (void *)9, &lock, 0), 3);
    usleep(20000);
    EQ(locked, 0);
    EQ(futex(&lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), 0);
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
    EQ(locked, 3);
    EQ(lock & FUTEX_TID_MASK, 0);
}

static struct entry {
    struct robust_list list;
    uint32_t word;
} held[3], other;

/* What a thread holds when it ends, the operation that it had begun included, is marked. */
static void *die(void *arg)
{
    static struct robust_list_head head;
    uint32_t tid = own_tid();
    head.futex_offset = offsetof(struct entry, word);
    head.list.next = &held[0].list;
    held[0].list.next = &held[1].list;
    held[1].list.next = &head.list;
    head.list_op_pending = &held[2].list;
    held[0].word = tid;
    held[1].word = tid | FUTEX_WAITERS;
    held[2].word = tid;
    other.word = tid; /* not in the list */
    OK(syscall(SYS_set_robust_list, &head, sizeof(head)));
    return arg;
}

/* Another process's is told to who may trace it. */
static void others(void)
{
    void *head;
    size_t len;
    int status = -1;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        guest_failed = 0;
        OK(setresuid(1000, 1000, 1000));
        ERR(syscall(SYS_get_robust_list, getppid(), &head, &len), EPERM);
        ERR(syscall(SYS_get_robust_list, getppid(), BAD, BAD), EPERM);
        OK(syscall(SYS_get_robust_list, getpid(), &head, &len));
        fflush(stdout);
        _exit(guest_failed != 0);
    }
    EQ(waitpid(child, &status, 0), child);
    EQ(status, 0);
}

static void robust(void)
{
    void *head;
    size_t len;
    pthread_t t;
    OK(syscall(SYS_get_robust_list, 0, &head, &len));
    EQ(len, 24);
    CHECK(head != NULL);
    OK(syscall(SYS_get_robust_list, own_tid(), &head, &len));
    ERR(syscall(SYS_set_robust_list, head, 23), EINVAL);
    ERR(syscall(SYS_set_robust_list, head, 32), EINVAL);
    ERR(syscall(SYS_get_robust_list, 999999, &head, &len), ESRCH);
    ERR(syscall(SYS_get_robust_list, 0, BAD, &len), EFAULT);
    ERR(syscall(SYS_get_robust_list, 0, &head, BAD), EFAULT);
    others();
    pthread_create(&t, NULL, die, NULL);
    pthread_join(t, NULL);
    EQ(held[0].word, FUTEX_OWNER_DIED);
    EQ(held[1].word, FUTEX_OWNER_DIED | FUTEX_WAITERS);
    EQ(held[2].word, FUTEX_OWNER_DIED);
    CHECK(!(other.word & FUTEX_OWNER_DIED));
}

int main(void)
{
    alone();
    contended();
    requeue();
    robust();
    return done();
}
