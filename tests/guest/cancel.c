/* guest-test: flags=-pthread roots=plain */
/* Cancellation of threads that wait in each kind of call and of threads that compute, 500 at a time
 * being started and ended, while others hold locks. */
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <time.h>

#include "guest.h"

enum { KINDS = 6, EACH = 10, ROUNDS = 3, MANY = 500 };

static int pipe_fds[2];
static sem_t never;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static _Atomic int waiting, cleaned;

static void clean(void *arg)
{
    (void)arg;
    cleaned++;
}

static void clean_unlock(void *arg)
{
    pthread_mutex_unlock(arg);
    cleaned++;
}

static void wait_in(int kind)
{
    char b;
    struct timespec hour = {3600, 0};
    sigset_t set;
    waiting++;
    switch (kind) {
    case 0: (void)!read(pipe_fds[0], &b, 1); break;
    case 1: sem_wait(&never); break;
    case 2: nanosleep(&hour, NULL); break;
    case 3:
        sigemptyset(&set);
        sigaddset(&set, SIGUSR2);
        sigwaitinfo(&set, NULL);
        break;
    case 4:
        pthread_mutex_lock(&mutex);
        pthread_cleanup_push(clean_unlock, &mutex);
        pthread_cond_wait(&cond, &mutex);
        pthread_cleanup_pop(0);
        break;
    default:
        pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
        for (volatile unsigned long i = 0;; i++)
            ;
    }
}

static void *waiter(void *arg)
{
    pthread_cleanup_push(clean, NULL);
    wait_in((int)(long)arg);
    pthread_cleanup_pop(0);
    return NULL;
}

static void cancel_all(void)
{
    pthread_t t[KINDS * EACH];
    void *result;
    waiting = cleaned = 0;
    for (long i = 0; i < KINDS * EACH; i++)
        EQ(pthread_create(&t[i], NULL, waiter, (void *)(i % KINDS)), 0);
    while (waiting < KINDS * EACH)
        usleep(1000);
    for (int i = 0; i < KINDS * EACH; i++)
        EQ(pthread_cancel(t[i]), 0);
    for (int i = 0; i < KINDS * EACH; i++) {
        EQ(pthread_join(t[i], &result), 0);
        CHECK(result == PTHREAD_CANCELED);
    }
    EQ(cleaned, KINDS * EACH + EACH); /* those with the condition clean up twice */
    EQ(pthread_mutex_trylock(&mutex), 0);
    pthread_mutex_unlock(&mutex);
}

static long total;

static void *add(void *arg)
{
    for (int i = 0; i < 10; i++) {
        pthread_mutex_lock(&mutex);
        total += (long)arg;
        pthread_mutex_unlock(&mutex);
    }
    return arg;
}

static void many(void)
{
    static pthread_t t[MANY];
    pthread_attr_t attr;
    void *result;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 65536);
    total = 0;
    for (long i = 0; i < MANY; i++)
        EQ(pthread_create(&t[i], &attr, add, (void *)i), 0);
    for (long i = 0; i < MANY; i++) {
        EQ(pthread_join(t[i], &result), 0);
        EQ((long)result, i);
    }
    EQ(total, 10l * MANY * (MANY - 1) / 2);
}

int main(void)
{
    OK(pipe(pipe_fds));
    sem_init(&never, 0, 0);
    for (int i = 0; i < ROUNDS; i++) {
        cancel_all();
        many();
    }
    return done();
}
