/* guest-test: reference=qemu */
/* Handlers on an alternate stack, its limits, and a stack overflow survived on it. */
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>

#include "guest.h"

static char *stack;
static sigjmp_buf back;
static volatile int on_it, err_inside, overflowed;

static void where(int sig)
{
    char here;
    stack_t st;
    (void)sig;
    on_it = &here > stack && &here < stack + 65536;
    sigaltstack(NULL, &st);
    EQ(st.ss_flags, SS_ONSTACK);
    st.ss_flags = SS_DISABLE;
    err_inside = sigaltstack(&st, NULL) ? errno : 0;
}

static void overflow(int sig)
{
    (void)sig;
    overflowed = 1;
    siglongjmp(back, 1);
}

static int deep(int n)
{
    volatile char pad[4096];
    pad[0] = (char)n;
    return n > 0 ? deep(n - 1) + pad[0] : 0;
}

int main(void)
{
    stack_t st;
    EQ(sigaltstack(NULL, &st), 0);
    EQ(st.ss_flags, SS_DISABLE);
    stack = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    st = (stack_t){.ss_sp = stack, .ss_size = 1024};
    ERR(sigaltstack(&st, NULL), ENOMEM);
    st.ss_size = 65536;
    st.ss_flags = 77;
    ERR(sigaltstack(&st, NULL), EINVAL);
    st.ss_flags = 0;
    EQ(sigaltstack(&st, NULL), 0);

    struct sigaction sa = {.sa_handler = where, .sa_flags = SA_ONSTACK};
    sigaction(SIGUSR1, &sa, NULL);
    raise(SIGUSR1);
    EQ(on_it, 1);
    EQ(err_inside, EPERM);
    sa.sa_flags = 0;
    sa.sa_handler = overflow;
    sa.sa_flags = SA_ONSTACK;
    sigaction(SIGSEGV, &sa, NULL);
    if (!sigsetjmp(back, 1))
        deep(1 << 20);
    EQ(overflowed, 1);
    st.ss_flags = SS_DISABLE;
    EQ(sigaltstack(&st, NULL), 0);
    EQ(sigaltstack(NULL, &st), 0);
    EQ(st.ss_flags, SS_DISABLE);
    return done();
}
