/*
 * threads.c - what threads cost, one measurement a run:
 *   threads create N     N times pthread_create and pthread_join, one after another
 *   threads llsc T N     T threads add 1 to one counter N times in all, by LDXR and STXR
 *   threads lse T N      the same, by LDADD
 *   threads signal N     N times a signal to a thread that computes, until its handler has run
 *   threads many T       T threads at once, each with a small stack, all waiting: says "ready" and
 *                        goes on when standard input ends
 * On other machines than arm64 llsc and lse are the compiler's own atomics.
 */
#include <pthread.h>
#include <signal.h>

#include "bench.h"

static struct {
    long each;
    char room[120]; /* the counter has its cache line alone */
    uint64_t counter;
    char more[120];
} shared;
static pthread_barrier_t together;

static void *nothing(void *arg)
{
    return arg;
}

static void *add_llsc(void *arg)
{
    pthread_barrier_wait(&together);
    for (long i = 0; i < shared.each; i++) {
#ifdef __aarch64__
        uint64_t value;
        uint32_t failed;
        __asm__ volatile("1: ldxr %0, %2\n add %0, %0, #1\n stxr %w1, %0, %2\n cbnz %w1, 1b\n"
                         : "=&r"(value), "=&r"(failed), "+Q"(shared.counter)::"memory");
#else
        __atomic_fetch_add(&shared.counter, 1, __ATOMIC_RELAXED);
#endif
    }
    return arg;
}

static void *add_lse(void *arg)
{
    pthread_barrier_wait(&together);
    for (long i = 0; i < shared.each; i++) {
#ifdef __aarch64__
        uint64_t value = 1, old;
        __asm__ volatile(".arch_extension lse\n ldadd %1, %0, %2\n"
                         : "=r"(old), "+r"(value), "+Q"(shared.counter)::"memory");
#else
        __atomic_fetch_add(&shared.counter, 1, __ATOMIC_RELAXED);
#endif
    }
    return arg;
}

static volatile long handled;
static volatile int stop_computing;

static void on_signal(int signo)
{
    (void)signo;
    handled++;
}

static void *compute(void *arg)
{
    volatile uint64_t work = 0;
    pthread_barrier_wait(&together);
    while (!stop_computing)
        for (unsigned i = 0; i < 1000; i++)
            work += i;
    return arg;
}

static int signals(long n)
{
    pthread_t thread;
    signal(SIGUSR1, on_signal);
    pthread_barrier_init(&together, NULL, 2);
    if (pthread_create(&thread, NULL, compute, NULL))
        return 1;
    pthread_barrier_wait(&together);
    double start = bench_now();
    for (long i = 0; i < n; i++) {
        long before = handled;
        if (pthread_kill(thread, SIGUSR1))
            return 1;
        while (handled == before)
            ;
    }
    int result = bench_done((uint64_t)handled, start);
    stop_computing = 1;
    pthread_join(thread, NULL);
    return result;
}

static void *wait_twice(void *arg)
{
    pthread_barrier_wait(&together);
    pthread_barrier_wait(&together);
    return arg;
}

static int create(long n)
{
    double start = bench_now();
    for (long i = 0; i < n; i++) {
        pthread_t thread;
        void *result;
        if (pthread_create(&thread, NULL, nothing, &start) || pthread_join(thread, &result) ||
            result != &start)
            return 1;
    }
    return bench_done((uint64_t)n, start);
}

static int at_once(void *(*body)(void *), unsigned count, long n)
{
    pthread_t threads[1024];
    pthread_attr_t attr;
    if (count == 0 || count > 1024 || pthread_barrier_init(&together, NULL, count + 1))
        return 1;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 64 << 10);
    shared.each = n / count;
    for (unsigned i = 0; i < count; i++)
        if (pthread_create(&threads[i], &attr, body, NULL))
            return 1;
    double start = bench_now();
    pthread_barrier_wait(&together);
    if (body == wait_twice) {
        puts("ready");
        fflush(stdout);
        while (getchar() != EOF)
            ;
        pthread_barrier_wait(&together);
    }
    for (unsigned i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    if (body != wait_twice && shared.counter != (uint64_t)(shared.each * count)) {
        printf("the counter is %llu, not %llu\n", (unsigned long long)shared.counter,
               (unsigned long long)(shared.each * count));
        return 1;
    }
    return bench_done(shared.counter, start);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "create";
    long a = argc > 2 ? atol(argv[2]) : 1000, b = argc > 3 ? atol(argv[3]) : 1000000;
    if (!strcmp(what, "create"))
        return create(a);
    if (!strcmp(what, "signal"))
        return signals(a);
    if (!strcmp(what, "llsc"))
        return at_once(add_llsc, (unsigned)a, b);
    if (!strcmp(what, "lse"))
        return at_once(add_lse, (unsigned)a, b);
    if (!strcmp(what, "many"))
        return at_once(wait_twice, (unsigned)a, 0);
    return 2;
}
