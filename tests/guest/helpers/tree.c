/* A tree of processes that would live for ever: some wait, some compute, some are stopped, ignore
 * signals, lead sessions, or have lost their parents. Says "ready" when all are there. For
 * tests/faults/test_processes.py. */
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static _Atomic int *ready;

static void live(int kind)
{
    atomic_fetch_add(ready, 1);
    if (kind == 1)
        for (volatile long i = 0;; i++)
            ;
    if (kind == 2)
        raise(SIGSTOP);
    for (;;)
        pause();
}

int main(void)
{
    ready = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (int kind = 0; kind < 6; kind++) {
        if (fork())
            continue;
        if (kind == 3)
            setsid();
        if (kind == 4)
            for (int sig = 1; sig < 32; sig++)
                signal(sig, SIG_IGN);
        if (kind == 5) { /* the grandchild is an orphan */
            if (fork())
                _exit(0);
            setsid();
        }
        if (!fork())
            live(kind);
        live(kind);
    }
    while (*ready < 12)
        usleep(1000);
    puts("ready");
    fflush(stdout);
    live(0);
}
