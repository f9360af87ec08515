/* guest-test: exit=42 flags=-pthread */
/* exit_group ends all threads, whatever they do. */
#include <pthread.h>

#include "guest.h"

static void *spin(void *arg)
{
    for (;;)
        __asm__ volatile("");
    return arg;
}

static void *sleeper(void *arg)
{
    for (;;)
        pause();
    return arg;
}

static void *ender(void *arg)
{
    usleep(20000);
    (void)done();
    fflush(stdout);
    _exit(42);
    return arg;
}

int main(void)
{
    pthread_t t;
    pthread_create(&t, NULL, spin, NULL);
    pthread_create(&t, NULL, sleeper, NULL);
    pthread_create(&t, NULL, ender, NULL);
    /* The first thread may end before the process does. */
    syscall(SYS_exit, 7);
    return 0;
}
