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

int main(void)
{
    pthread_t t[N];
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
