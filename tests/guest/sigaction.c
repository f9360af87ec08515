/* guest-test: reference=qemu flags=-pthread */
/* rt_sigaction's flags, restarts, what a handler may change, and the state that sigreturn brings
 * back. */
#include <fenv.h>
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include <ucontext.h>

#include "guest.h"

static volatile int count, nested, depth, max_depth, blocked_in_handler;
static volatile double keep = 1.5;

static void counter(int sig)
{
    (void)sig;
    count++;
}

static void nester(int sig)
{
    depth++;
    if (depth > max_depth)
        max_depth = depth;
    if (nested++ == 0)
        raise(sig);
    depth--;
}

static void masked(int sig)
{
    sigset_t now;
    (void)sig;
    sigprocmask(SIG_BLOCK, NULL, &now);
    blocked_in_handler = sigismember(&now, SIGUSR2) && sigismember(&now, SIGUSR1);
}

static void changer(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    (void)sig, (void)info;
    uc->uc_mcontext.regs[19] = 4711;
    struct {
        uint32_t magic, size, fpsr, fpcr;
    } *head = (void *)uc->uc_mcontext.__reserved;
    EQ(head->magic, 0x46508001);
    EQ(head->size, 528);
    keep = keep * 2.0; /* clobbers vector registers, which come back */
}

static void set(int sig, void (*handler)(int), int flags)
{
    struct sigaction sa = {.sa_handler = handler, .sa_flags = flags};
    sigemptyset(&sa.sa_mask);
    sigaction(sig, &sa, NULL);
}

static int fds[2];

static void alarm_writer(int sig)
{
    (void)sig;
    count++;
}

static void *delayed_write(void *arg)
{
    usleep(60000);
    write(fds[1], "x", 1);
    return arg;
}

static void restarts(void)
{
    char c;
    pthread_t t;
    sigset_t alrm;
    sigemptyset(&alrm);
    sigaddset(&alrm, SIGALRM);
    struct itimerval soon = {{0, 0}, {0, 20000}};
    EQ(pipe(fds), 0);
    set(SIGALRM, alarm_writer, 0);
    count = 0;
    setitimer(ITIMER_REAL, &soon, NULL);
    ERR(read(fds[0], &c, 1), EINTR);
    EQ(count, 1);

    set(SIGALRM, alarm_writer, SA_RESTART);
    count = 0;
    pthread_sigmask(SIG_BLOCK, &alrm, NULL); /* the helper must not take it */
    pthread_create(&t, NULL, delayed_write, NULL);
    pthread_sigmask(SIG_UNBLOCK, &alrm, NULL);
    setitimer(ITIMER_REAL, &soon, NULL);
    EQ(read(fds[0], &c, 1), 1);
    EQ(count, 1);
    pthread_join(t, NULL);
}

int main(void)
{
    set(SIGUSR1, counter, 0);
    raise(SIGUSR1);
    EQ(count, 1);
    struct sigaction old;
    sigaction(SIGUSR1, NULL, &old);
    CHECK(old.sa_handler == counter);

    set(SIGUSR1, counter, SA_RESETHAND);
    raise(SIGUSR1);
    sigaction(SIGUSR1, NULL, &old);
    CHECK(old.sa_handler == SIG_DFL);

    set(SIGUSR1, nester, 0);
    raise(SIGUSR1);
    EQ(nested, 2);
    EQ(max_depth, 1);
    nested = max_depth = 0;
    set(SIGUSR1, nester, SA_NODEFER);
    raise(SIGUSR1);
    EQ(max_depth, 2);

    struct sigaction sa = {.sa_handler = masked};
    sigemptyset(&sa.sa_mask);
    sigaddset(&sa.sa_mask, SIGUSR2);
    sigaction(SIGUSR1, &sa, NULL);
    raise(SIGUSR1);
    CHECK(blocked_in_handler);
    sigset_t now;
    sigprocmask(SIG_BLOCK, NULL, &now);
    CHECK(!sigismember(&now, SIGUSR1) && !sigismember(&now, SIGUSR2));

    struct sigaction ch = {.sa_sigaction = changer, .sa_flags = SA_SIGINFO};
    sigaction(SIGUSR1, &ch, NULL);
    long pid = getpid(), tid = syscall(SYS_gettid);
    register long x19 __asm__("x19") = 1;
    register double d8 __asm__("d8") = 2.25;
    register long x0 __asm__("x0") = pid;
    register long x1 __asm__("x1") = tid;
    register long x2 __asm__("x2") = SIGUSR1;
    register long x8 __asm__("x8") = SYS_tgkill;
    __asm__ volatile("svc #0"
                     : "+r"(x0), "+r"(x19), "+w"(d8)
                     : "r"(x8), "r"(x1), "r"(x2)
                     : "memory");
    long result = x0, saved = x19;
    double saved_d8 = d8;
    EQ(result, 0);
    EQ(saved, 4711);
    CHECK(saved_d8 == 2.25);
    CHECK(keep == 3.0);

    ERR(syscall(SYS_rt_sigaction, 0, NULL, &old, 8), EINVAL);
    ERR(syscall(SYS_rt_sigaction, 65, NULL, &old, 8), EINVAL);
    ERR(syscall(SYS_rt_sigaction, SIGKILL, &sa, NULL, 8), EINVAL);
    ERR(syscall(SYS_rt_sigaction, SIGUSR1, NULL, &old, 4), EINVAL);
    restarts();
    return done();
}
