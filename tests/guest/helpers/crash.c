/* crash.c - ends by what its argument says: a fault three calls deep, abort, a jump to nowhere. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static volatile int *volatile where = (volatile int *)8;

__attribute__((noinline)) static int inner(int x)
{
    volatile int copy = x;
    *where = copy;
    return copy;
}

__attribute__((noinline)) static int outer(int x)
{
    int result = inner(x);
    __asm__ volatile("" ::: "memory");
    return result + 1;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 1;
    prctl(PR_SET_NAME, "crasher");
    syscall(SYS_openat, -5, "some/file", 0);
    if (!strcmp(argv[1], "fault"))
        return outer(41);
    if (!strcmp(argv[1], "abort"))
        abort();
    if (!strcmp(argv[1], "jump"))
        ((void (*)(void))0x123458)();
    if (!strcmp(argv[1], "term"))
        raise(SIGTERM);
    return 0;
}
