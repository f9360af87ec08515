/* threads.c - a thread waits while another runs; what the guest closes is not ours. */
#include "calls.h"

#include <pthread.h>

static int p[2];

static void *reader(void *arg)
{
    char byte;
    (void)arg;
    CALL(read, p[0], &byte, 10);
    return NULL;
}

int main(void)
{
    pthread_t thread;
    begin();
    CALL(pipe2, p, 0);
    CALL(close, 2);
    pthread_create(&thread, NULL, reader, NULL);
    CALL(nanosleep, (&(struct timespec){0, 50000000}), NULL);
    CALL(write, p[1], "x", 1);
    pthread_join(thread, NULL);
    CALL(getppid);
    end();
    return 3;
}
