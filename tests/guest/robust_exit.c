/* Locks in shared memory whose owner's process ends: the next one learns of it, whichever thread
 * had it and however the process ended. guest-test: flags=-pthread */
#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "guest.h"

static pthread_mutex_t *mutex;

static void *takes(void *arg)
{
    pthread_mutex_lock(mutex);
    *(volatile int *)arg = 1;
    for (;;)
        pause();
}

static void in_first_thread(void)
{
    pthread_mutex_lock(mutex);
    _exit(0);
}

static void in_another_thread(void)
{
    volatile int taken = 0;
    pthread_t thread;
    pthread_create(&thread, NULL, takes, (void *)&taken);
    while (!taken)
        usleep(1000);
    _exit(0);
}

static void by_a_signal(void)
{
    pthread_mutex_lock(mutex);
    raise(SIGTERM);
}

int main(void)
{
    static void (*const ends[])(void) = {in_first_thread, in_another_thread, by_a_signal};
    pthread_mutexattr_t attr;
    mutex = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    EQ(pthread_mutex_init(mutex, &attr), 0);
    for (unsigned i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        pid_t pid = fork();
        if (pid == 0)
            ends[i]();
        EQ(waitpid(pid, NULL, 0), pid);
        EQ(pthread_mutex_lock(mutex), EOWNERDEAD);
        EQ(pthread_mutex_consistent(mutex), 0);
        EQ(pthread_mutex_unlock(mutex), 0);
    }
    return done();
}
