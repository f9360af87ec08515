/* MAP_GROWSDOWN: how far it grows, what stops it, what keeps its distance. */
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "guest.h"

#define P   4096ul
#define GAP (256 * P) /* stack_guard_gap */
#define RW  (PROT_READ | PROT_WRITE)
#define PA  (MAP_PRIVATE | MAP_ANONYMOUS)

static sigjmp_buf back;
static volatile int code;
static char altstack[16384];

static void on_fault(int sig, siginfo_t *info, void *context)
{
    code = info->si_code;
    siglongjmp(back, sig);
}

static int touch(volatile char *p)
{
    code = 0;
    int sig = sigsetjmp(back, 1);
    if (sig == 0)
        *p = 1;
    return sig;
}

/* A page that grows, at the upper end of a region of 4 MiB that is free below. */
static char *growing(char **low)
{
    char *all = mmap(NULL, 1024 * P, PROT_NONE, PA, -1, 0);
    munmap(all, 1024 * P);
    *low = all;
    char *p = all + 1023 * P;
    CHECK(mmap(p, P, RW, PA | MAP_GROWSDOWN | MAP_FIXED_NOREPLACE, -1, 0) == p);
    return p;
}

static int mapped(char *p)
{
    unsigned char vec;
    return mincore(p, P, &vec) == 0;
}

int main(void)
{
    stack_t ss = {.ss_sp = altstack, .ss_size = sizeof altstack};
    sigaltstack(&ss, NULL);
    struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigaction(SIGSEGV, &sa, NULL);
    char *low, *p = growing(&low);
    /* At once over any distance, with what lies between. */
    EQ(touch(p - 100 * P), 0);
    EQ(mapped(p - 50 * P), 1);
    EQ(mapped(p - 101 * P), 0);
    EQ(p[-50 * (long)P], 0);
    munmap(p - 100 * P, 101 * P);
    /* It stops at the gap before what can be accessed. */
    p = growing(&low);
    char *wall = p - 300 * P;
    CHECK(mmap(wall, P, RW, PA | MAP_FIXED_NOREPLACE, -1, 0) == wall);
    EQ(touch(wall + P + GAP), 0);
    EQ(touch(wall + P + GAP - 1), SIGSEGV);
    EQ(code, SEGV_MAPERR);
    munmap(p - 60 * P, 61 * P);
    munmap(wall, P);
    /* What cannot be accessed it may touch. */
    p = growing(&low);
    wall = p - 300 * P;
    CHECK(mmap(wall, P, PROT_NONE, PA | MAP_FIXED_NOREPLACE, -1, 0) == wall);
    EQ(touch(wall + P), 0);
    EQ(touch(wall), SIGSEGV);
    EQ(code, SEGV_ACCERR);
    munmap(wall, 301 * P);
    /* mmap() leaves the gap free, unless it is told where. */
    p = growing(&low);
    char *q = mmap(p - 2 * P, P, RW, PA, -1, 0);
    CHECK(q != p - 2 * P);
    munmap(q, P);
    q = mmap(p - P, P, RW, PA | MAP_FIXED_NOREPLACE, -1, 0);
    CHECK(q == p - P);
    munmap(q, P);
    /* The limit is the stack's. */
    struct rlimit old, limit;
    EQ(getrlimit(RLIMIT_STACK, &old), 0);
    limit = old;
    limit.rlim_cur = 128 * P;
    EQ(setrlimit(RLIMIT_STACK, &limit), 0);
    EQ(touch(p - 127 * P), 0);
    EQ(touch(p - 127 * P - 1), SIGSEGV);
    EQ(code, SEGV_MAPERR);
    EQ(setrlimit(RLIMIT_STACK, &old), 0);
    EQ(touch(p - 127 * P - 1), 0);
    /* mprotect() of all of it that there is. */
    EQ(mprotect(p, P, PROT_READ | PROT_GROWSDOWN), 0);
    EQ(touch(p - 100 * P), SIGSEGV);
    EQ(code, SEGV_ACCERR);
    ERR(mprotect(p, P, RW | PROT_GROWSUP), EINVAL);
    ERR(mprotect(p, P, RW | PROT_GROWSDOWN | PROT_GROWSUP), EINVAL);
    q = mmap(NULL, P, RW, PA, -1, 0);
    ERR(mprotect(q, P, PROT_READ | PROT_GROWSDOWN), EINVAL);
    munmap(low, 1024 * P);
    return done();
}
