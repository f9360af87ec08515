/* guest-test: flags=-pthread,-Wno-stringop-overread */
/* What clone, clone3 and execve refuse who is not root: new namespaces, numbers, one process too
 * many. */
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "guest.h"

#define BAD ((void *)8)

enum { USER = 1000 };

static long clone_with(unsigned long flags)
{
    long pid = syscall(SYS_clone, flags | SIGCHLD, 0L, NULL, 0L, NULL);
    if (pid == 0)
        _exit(9);
    return pid;
}

static long clone3_with(uint64_t flags)
{
    struct clone_args args = {.flags = flags, .exit_signal = SIGCHLD};
    long pid = syscall(SYS_clone3, &args, sizeof(args));
    if (pid == 0)
        _exit(9);
    return pid;
}

static void limit_processes(rlim_t soft)
{
    struct rlimit r;
    OK(getrlimit(RLIMIT_NPROC, &r));
    r.rlim_cur = soft;
    OK(setrlimit(RLIMIT_NPROC, &r));
}

static void become_user(void)
{
    OK(setresuid(USER, USER, USER));
}

static int in_child(void (*fn)(void))
{
    int status = -1;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        guest_failed = 0;
        fn();
        fflush(stdout);
        _exit(guest_failed != 0);
    }
    EQ(waitpid(pid, &status, 0), pid);
    return status;
}

/* What the flags say of each other comes before who asks. */
static void namespaces(void)
{
    static const uint64_t kinds[] = {CLONE_NEWNS,  CLONE_NEWUTS, CLONE_NEWIPC,
                                     CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWCGROUP};
    become_user();
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        ERR(clone_with(kinds[i]), EPERM);
        ERR(clone3_with(kinds[i]), EPERM);
        ERR(clone_with(kinds[i] | CLONE_SIGHAND), EINVAL);
        ERR(clone3_with(kinds[i] | CLONE_SIGHAND), EINVAL);
    }
    ERR(clone_with(CLONE_NEWNS | CLONE_FS), EINVAL);
    ERR(clone_with(CLONE_NEWUSER | CLONE_FS), EINVAL);
    ERR(clone_with(CLONE_NEWIPC | CLONE_SYSVSEM), EPERM);
    limit_processes(0);
    ERR(clone_with(CLONE_NEWNS), EAGAIN);
    ERR(clone_with(CLONE_NEWNS | CLONE_FS), EINVAL);
    ERR(waitpid(-1, NULL, 0), ECHILD);
}

static void numbers(void)
{
    pid_t wanted[2] = {7777, 0};
    struct clone_args args = {
        .exit_signal = SIGCHLD, .set_tid = (uintptr_t)wanted, .set_tid_size = 1};
    become_user();
    ERR(syscall(SYS_clone3, &args, sizeof(args)), EPERM);
    args.set_tid_size = 0;
    ERR(syscall(SYS_clone3, &args, sizeof(args)), EINVAL);
    args.set_tid_size = 33;
    ERR(syscall(SYS_clone3, &args, sizeof(args)), EINVAL);
    args.set_tid = 0;
    args.set_tid_size = 1;
    ERR(syscall(SYS_clone3, &args, sizeof(args)), EINVAL);
    args.set_tid = (uintptr_t)BAD;
    ERR(syscall(SYS_clone3, &args, sizeof(args)), EFAULT);
    /* Both in one place. */
    args = (struct clone_args){.flags = CLONE_PIDFD | CLONE_PARENT_SETTID,
                               .exit_signal = SIGCHLD,
                               .pidfd = (uintptr_t)wanted,
                               .parent_tid = (uintptr_t)wanted};
    ERR(syscall(SYS_clone3, &args, sizeof(args)), EINVAL);
}

static void *nothing(void *arg)
{
    return arg;
}

static int start_thread(void)
{
    pthread_t thread;
    int err = pthread_create(&thread, NULL, nothing, NULL);
    return err ? err : pthread_join(thread, NULL);
}

/* Threads count as processes do, those of other users don't. */
static void too_many(void)
{
    int status;
    become_user();
    limit_processes(1);
    ERR(clone_with(0), EAGAIN);
    ERR(clone3_with(0), EAGAIN);
    ERR(clone_with(CLONE_VM | CLONE_VFORK), EAGAIN);
    EQ(start_thread(), EAGAIN);
    limit_processes(2);
    long child = clone_with(0);
    CHECK(child > 0);
    siginfo_t info;
    OK(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT));
    ERR(clone_with(0), EAGAIN); /* the dead one counts until it is waited for */
    EQ(waitpid((pid_t)child, &status, 0), child);
    EQ(status, 9 << 8);
    EQ(start_thread(), 0);
}

static void root_is_not_counted(void)
{
    int status;
    limit_processes(0);
    long child = clone_with(0);
    CHECK(child > 0);
    EQ(waitpid((pid_t)child, &status, 0), child);
    EQ(start_thread(), 0);
}

/* Who becomes a user that has too many is told so by execve, once. */
static void exec_of_too_many(void)
{
    char *argv[] = {"x", NULL}, *none[] = {NULL};
    limit_processes(0);
    become_user();
    ERR(execve("", argv, none), ENOENT);
    ERR(execve(BAD, argv, none), EFAULT);
    ERR(execve("/no/such/file", argv, none), EAGAIN);
    ERR(execve("/no/such/file", argv, none), EAGAIN);
    limit_processes(10);
    ERR(execve("/no/such/file", argv, none), ENOENT);
    limit_processes(0);
    ERR(execve("/no/such/file", argv, none), ENOENT);
}

static void with_another_of_the_user(void (*fn)(void))
{
    int ready[2];
    char c;
    OK(pipe(ready));
    pid_t other = fork();
    if (other == 0) {
        become_user();
        close(ready[1]);
        (void)!read(ready[0], &c, 1);
        _exit(0);
    }
    while (kill(other, 0) == 0 && getpriority(PRIO_USER, USER) == -1 && errno == ESRCH)
        usleep(1000);
    EQ(in_child(fn), 0);
    close(ready[0]);
    close(ready[1]);
    EQ(waitpid(other, NULL, 0), other);
}

static volatile int ticks;

static void on_tick(int sig)
{
    (void)sig;
    ticks++;
}

/* A signal that comes first is handled first: the call begins anew, and nobody sees it. */
static void among_signals(void)
{
    struct itimerval often = {{0, 100}, {0, 100}}, never = {{0, 0}, {0, 0}};
    signal(SIGALRM, on_tick);
    OK(setitimer(ITIMER_REAL, &often, NULL));
    for (int i = 0; i < 500; i++) {
        long child = i % 2 ? clone_with(0) : clone3_with(0);
        CHECK(child > 0);
        EQ(waitpid((pid_t)child, NULL, 0), child);
    }
    OK(setitimer(ITIMER_REAL, &never, NULL));
    CHECK(ticks > 0);
}

int main(void)
{
    EQ(in_child(namespaces), 0);
    EQ(in_child(numbers), 0);
    EQ(in_child(too_many), 0);
    EQ(in_child(root_is_not_counted), 0);
    with_another_of_the_user(exec_of_too_many);
    among_signals();
    return done();
}
