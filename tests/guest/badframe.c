/* guest-test: exit=128+11 */
/* A frame that cannot be written or read ends in SIGSEGV: first caught on another stack, then not.
 */
#include <setjmp.h>
#include <sys/mman.h>

#include "guest.h"

static sigjmp_buf back;
static volatile int caught, code;

static void on_segv(int sig, siginfo_t *info, void *context)
{
    (void)sig, (void)context;
    caught++;
    code = info->si_code;
    siglongjmp(back, 1);
}

static void never(int sig)
{
    (void)sig;
    FAIL("the handler ran");
}

int main(void)
{
    char *stack = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    stack_t st = {.ss_sp = stack, .ss_size = 65536};
    OK(sigaltstack(&st, NULL));
    struct sigaction sa = {.sa_sigaction = on_segv, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigaction(SIGSEGV, &sa, NULL);
    signal(SIGUSR1, never);
    long pid = getpid(), tid = syscall(SYS_gettid);
    /* With no stack at all, SIGUSR1's frame has no place; SIGSEGV's has, on the alternate stack. */
    if (!sigsetjmp(back, 1))
        __asm__ volatile(
            "mov x9, sp\n mov x10, #64\n mov sp, x10\n"
            "mov x0, %0\n mov x1, %1\n mov x2, #10\n mov x8, #131\n svc #0\n mov sp, x9\n"
            :
            : "r"(pid), "r"(tid)
            : "x0", "x1", "x2", "x8", "x9", "x10", "memory");
    EQ(caught, 1);
    EQ(code, SI_KERNEL);
    /* A frame of nothing is no frame. */
    if (!sigsetjmp(back, 1))
        __asm__ volatile(
            "mov x9, sp\n mov x10, #64\n mov sp, x10\n mov x8, #139\n svc #0\n mov sp, x9\n" ::
                : "x8", "x9", "x10", "memory");
    EQ(caught, 2);
    (void)done();
    fflush(stdout);
    signal(SIGSEGV, SIG_DFL);
    __asm__ volatile("mov sp, %0\n mov x8, #139\n svc #0\n" ::"r"(64l) : "x8", "memory");
    return 0;
}
