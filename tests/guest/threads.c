/* guest-test: flags=-pthread */
/* Threads: creation, joining, their own numbers and signals, mutexes, conditions, robust and PI
 * mutexes. */
#include <pthread.h>
#include <signal.h>
#include <semaphore.h>
#include <time.h>

#include "guest.h"

#define N 8
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static long counter;
static int turn;
static __thread int own = 5;
static pid_t tids[N];
static volatile pid_t signalled;

static void *work(void *arg)
{
    long i = (long)arg;
    own += (int)i;
    tids[i] = (pid_t)syscall(SYS_gettid);
    for (int k = 0; k < 2000; k++) {
        pthread_mutex_lock(&mutex);
        counter++;
        pthread_mutex_unlock(&mutex);
    }
    pthread_mutex_lock(&mutex);
    while (turn != i)
        pthread_cond_wait(&cond, &mutex);
    turn++;
    pthread_cond_broadcast(&cond);
    pthread_mutex_unlock(&mutex);
    return (void *)(long)own;
}

static pthread_mutex_t robust;

static void *die_holding(void *arg)
{
    pthread_mutex_lock(&robust);
    return arg;
}

static void on_usr1(int sig)
{
    (void)sig;
    signalled = (pid_t)syscall(SYS_gettid);
}

static sem_t ready;

static void *wait_signal(void *arg)
{
    *(pid_t *)arg = (pid_t)syscall(SYS_gettid);
    sem_post(&ready);
    while (!signalled)
        usleep(1000);
    return NULL;
}

static pthread_mutex_t pi;

static void *pi_worker(void *arg)
{
    for (int i = 0; i < 500; i++) {
        pthread_mutex_lock(&pi);
        ++*(long *)arg;
        pthread_mutex_unlock(&pi);
    }
    return NULL;
}

static uint32_t cleared = 1;

/* Ends by the call itself: the word that it named is cleared and its waiter woken. */
static void *end_by_call(void *arg)
{
    EQ(syscall(SYS_set_tid_address, arg), syscall(SYS_gettid));
    syscall(SYS_exit, 5);
    return arg;
}

static void own_end(void)
{
    pthread_t t;
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_create(&t, &attr, end_by_call, &cleared);
    while (__atomic_load_n(&cleared, __ATOMIC_SEQ_CST))
        syscall(SYS_futex, &cleared, 0 /* FUTEX_WAIT */, 1, NULL, NULL, 0);
}

/* What is looked at before anything is made. */
static void clone_errors(void)
{
    struct {
        uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
        uint64_t more[600];
    } args = {.flags = 0};
    const size_t first = 64;
    ERR(syscall(SYS_clone3, &args, first - 8), EINVAL);
    ERR(syscall(SYS_clone3, &args, 4097), E2BIG);
    ERR(syscall(SYS_clone3, (void *)8, first), EFAULT);
    args.more[20] = 1; /* behind what any Linux knows */
    ERR(syscall(SYS_clone3, &args, 512), E2BIG);
    args.more[20] = 0;
    static const uint64_t bad[] = {
        0x00010000, /* CLONE_THREAD without CLONE_SIGHAND */
        0x00000800, /* CLONE_SIGHAND without CLONE_VM */
        0x00020200, /* CLONE_FS with CLONE_NEWNS */
        0x00000011, /* a signal among the flags */
        1ull << 40, /* unknown */
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        args.flags = bad[i];
        ERR(syscall(SYS_clone3, &args, first), EINVAL);
    }
    args.flags = 0;
    args.exit_signal = 65;
    ERR(syscall(SYS_clone3, &args, first), EINVAL);
    args.exit_signal = SIGCHLD;
    args.stack = 4096; /* of no size */
    ERR(syscall(SYS_clone3, &args, first), EINVAL);
    args.stack = 0;
    args.stack_size = 4096; /* nowhere */
    ERR(syscall(SYS_clone3, &args, first), EINVAL);
    args.stack_size = 0;
    args.flags = 0x00010900;
    ERR(syscall(SYS_clone3, &args, first), EINVAL); /* a thread has no signal at its end */
    ERR(syscall(SYS_clone, 0x00010000, 0, NULL, 0, NULL), EINVAL);
    ERR(syscall(SYS_clone, 0x00000800, 0, NULL, 0, NULL), EINVAL);
    ERR(syscall(SYS_clone, 0x00020200, 0, NULL, 0, NULL), EINVAL);
}

int main(void)
{
    pthread_t t[N];
    own_end();
    clone_errors();
    EQ(syscall(SYS_gettid), getpid());
    for (long i = 0; i < N; i++)
        EQ(pthread_create(&t[i], NULL, work, (void *)i), 0);
    for (long i = 0; i < N; i++) {
        void *result;
        EQ(pthread_join(t[i], &result), 0);
        EQ((long)result, 5 + i);
    }
    EQ(counter, N * 2000);
    for (int i = 0; i < N; i++) {
        for (int k = 0; k < i; k++)
            CHECK(tids[i] != tids[k]);
        CHECK(tids[i] > 0 && tids[i] != getpid());
    }

    pthread_mutexattr_t attr;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&robust, &attr);
    pthread_create(&t[0], NULL, die_holding, NULL);
    pthread_join(t[0], NULL);
    EQ(pthread_mutex_lock(&robust), EOWNERDEAD);
    EQ(pthread_mutex_consistent(&robust), 0);
    EQ(pthread_mutex_unlock(&robust), 0);

    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
    pthread_mutex_init(&pi, &attr);
    long sum = 0;
    for (int i = 0; i < 4; i++)
        pthread_create(&t[i], NULL, pi_worker, &sum);
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    EQ(sum, 2000);
    pthread_mutex_lock(&pi);
    pthread_mutex_unlock(&pi);

    pid_t target = 0;
    sem_init(&ready, 0, 0);
    signal(SIGUSR1, on_usr1);
    pthread_create(&t[0], NULL, wait_signal, &target);
    sem_wait(&ready);
    pthread_kill(t[0], SIGUSR1);
    pthread_join(t[0], NULL);
    EQ(signalled, target);

    struct timespec past = {1, 0};
    pthread_mutex_lock(&mutex);
    EQ(pthread_cond_timedwait(&cond, &mutex, &past), ETIMEDOUT);
    pthread_mutex_unlock(&mutex);
    return done();
}
