/* guest-test: process=second flags=-pthread roots=plain */
/*
 * Signals between processes and to their threads: who sent them, what pends across fork and exec,
 * queues and their limit, SIGCHLD, and the ends that wait tells of.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#include "guest.h"

static _Atomic int count, wrong_thread;
static _Atomic int expect_tid;
static siginfo_t last;

static void note(int sig, siginfo_t *info, void *context)
{
    (void)sig, (void)context;
    last = *info;
    if (expect_tid && expect_tid != (int)syscall(SYS_gettid))
        wrong_thread++;
    count++;
}

static void handle(int sig, int flags)
{
    struct sigaction sa = {.sa_sigaction = note, .sa_flags = SA_SIGINFO | flags};
    OK(sigaction(sig, &sa, NULL));
}

static sigset_t only(int sig)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, sig);
    return set;
}

static void block(int sig)
{
    sigset_t set = only(sig);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

static void unblock(int sig)
{
    sigset_t set = only(sig);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/* The C library's makes SI_USER of SI_TKILL. */
static int take(int sig, siginfo_t *info)
{
    sigset_t set = only(sig);
    struct timespec ts = {10, 0};
    return (int)syscall(SYS_rt_sigtimedwait, &set, info, &ts, 8);
}

static int pends(int sig)
{
    sigset_t set;
    sigpending(&set);
    return sigismember(&set, sig);
}

/* A child that must end with status 0. */
#define IN_CHILD(code)                                                                             \
    do {                                                                                           \
        fflush(stdout);                                                                            \
        int status_ = -1;                                                                          \
        pid_t pid_ = fork();                                                                       \
        if (pid_ == 0) {                                                                           \
            guest_failed = 0;                                                                      \
            code;                                                                                  \
            fflush(stdout);                                                                        \
            _exit(guest_failed != 0);                                                              \
        }                                                                                          \
        EQ(waitpid(pid_, &status_, 0), pid_);                                                      \
        EQ(status_, 0);                                                                            \
    } while (0)

/* ---- who sent it ---- */

static long queue_info(pid_t pid, pid_t tid, int sig, long value)
{
    siginfo_t info = {.si_code = SI_QUEUE};
    info.si_pid = getpid();
    info.si_uid = getuid();
    info.si_value.sival_ptr = (void *)value;
    return syscall(SYS_rt_tgsigqueueinfo, pid, tid, sig, &info);
}

static void senders(void)
{
    siginfo_t info;
    pid_t parent = getpid();
    block(SIGUSR1);
    block(SIGRTMAX);
    block(SIGRTMAX - 1);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        union sigval v = {.sival_ptr = (void *)0x123456789al};
        kill(parent, SIGUSR1);
        sigqueue(parent, SIGRTMAX, v);
        kill(parent, SIGRTMAX);
        syscall(SYS_tgkill, parent, parent, SIGRTMAX);
        queue_info(parent, parent, SIGRTMAX - 1, 77);
        pause();
    }
    EQ(take(SIGUSR1, &info), SIGUSR1);
    EQ(info.si_code, SI_USER);
    EQ(info.si_pid, pid);
    EQ(info.si_uid, getuid());
    EQ(info.si_errno, 0);
    /* A thread's own queue comes first. */
    EQ(take(SIGRTMAX - 1, &info), SIGRTMAX - 1);
    EQ(info.si_code, SI_QUEUE);
    EQ(info.si_value.sival_int, 77);
    EQ(take(SIGRTMAX, &info), SIGRTMAX);
    EQ(info.si_code, SI_TKILL);
    EQ(info.si_pid, pid);
    EQ(take(SIGRTMAX, &info), SIGRTMAX);
    EQ(info.si_code, SI_QUEUE);
    EQ((long)info.si_value.sival_ptr, 0x123456789al);
    EQ(info.si_pid, pid);
    EQ(take(SIGRTMAX, &info), SIGRTMAX);
    EQ(info.si_code, SI_USER);
    EQ(info.si_pid, pid);
    kill(pid, SIGKILL);
    EQ(waitpid(pid, NULL, 0), pid);
    unblock(SIGUSR1);
    unblock(SIGRTMAX);
    unblock(SIGRTMAX - 1);
}

/* ---- one thread of another process ---- */

static _Atomic int *board;

static void *spin(void *arg)
{
    board[0] = (int)syscall(SYS_gettid);
    expect_tid = board[0];
    for (int i = 0; i < 10000 && !(board[1] && count >= 40); i++)
        usleep(1000);
    return arg;
}

static void to_a_thread(void)
{
    board[0] = board[1] = 0;
    fflush(stdout);
    pid_t pid = fork();
    int status;
    if (pid == 0) {
        pthread_t t;
        handle(SIGUSR1, 0);
        handle(SIGRTMAX, 0);
        pthread_create(&t, NULL, spin, NULL);
        while (!board[1])
            usleep(1000);
        pthread_join(t, NULL);
        EQ(count, 40);
        EQ(wrong_thread, 0);
        fflush(stdout);
        _exit(guest_failed != 0);
    }
    while (!board[0])
        usleep(1000);
    for (int i = 0; i < 20; i++) {
        EQ(queue_info(pid, board[0], SIGRTMAX, i), 0);
        EQ(syscall(SYS_tgkill, pid, board[0], SIGRTMAX), 0);
    }
    ERR(syscall(SYS_tgkill, pid, getpid(), SIGUSR1), ESRCH);
    ERR(syscall(SYS_tgkill, getpid(), board[0], SIGUSR1), ESRCH);
    OK(kill(board[0], 0)); /* any thread's number names its process */
    board[1] = 1;
    EQ(waitpid(pid, &status, 0), pid);
    EQ(status, 0);
}

/* ---- the first thread has ended, the process goes on ---- */

static void *outlive(void *arg)
{
    pid_t pid = getpid();
    while (board[2]) /* the first thread has not ended */
        usleep(1000);
    board[0] = 1;
    while (!count)
        usleep(1000);
    EQ(syscall(SYS_tgkill, pid, pid, SIGUSR2), 0); /* taken, and never seen again */
    EQ(kill(pid, SIGUSR1), 0);
    while (count < 2)
        usleep(1000);
    usleep(20000);
    EQ(count, 2);
    fflush(stdout);
    _exit(guest_failed ? 1 : 9);
    return arg;
}

static void leave_it(void)
{
    pthread_t t;
    board[2] = 1;
    pthread_create(&t, NULL, outlive, NULL);
    syscall(SYS_set_tid_address, &board[2]);
    syscall(SYS_exit, 0);
}

static void without_first_thread(void)
{
    int status;
    board[0] = 0;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        handle(SIGUSR1, 0);
        handle(SIGUSR2, 0);
        leave_it();
    }
    while (!board[0])
        usleep(1000);
    EQ(kill(pid, SIGUSR1), 0);
    EQ(waitpid(pid, &status, 0), pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 9);
    /* A default action ends all of it. */
    board[0] = 0;
    pid = fork();
    if (pid == 0)
        leave_it();
    while (!board[0])
        usleep(1000);
    EQ(kill(pid, SIGQUIT), 0);
    EQ(waitpid(pid, &status, 0), pid);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGQUIT);
    CHECK(!WCOREDUMP(status));
}

/* ---- zombies, groups, rights ---- */

static void zombies(void)
{
    siginfo_t info;
    pid_t pid = fork();
    if (pid == 0)
        _exit(3);
    EQ(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    EQ(kill(pid, 0), 0);
    EQ(kill(pid, SIGKILL), 0);
    EQ(syscall(SYS_tgkill, pid, pid, SIGUSR1), 0);
    ERR(kill(pid, 65), EINVAL);
    EQ(waitpid(pid, NULL, 0), pid);
    ERR(kill(pid, 0), ESRCH);
    ERR(kill(pid, 65), ESRCH);
}

static void groups(void)
{
    int status;
    pid_t pids[2];
    block(SIGUSR1);
    for (int i = 0; i < 2; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            siginfo_t info;
            _exit(take(SIGUSR1, &info) == SIGUSR1 && info.si_pid == getppid() ? 5 : 1);
        }
        OK(setpgid(pids[i], pids[0]));
    }
    EQ(kill(-pids[0], SIGUSR1), 0);
    for (int i = 0; i < 2; i++) {
        EQ(waitpid(pids[i], &status, 0), pids[i]);
        EQ(WEXITSTATUS(status), 5);
    }
    ERR(kill(-pids[0], SIGUSR1), ESRCH);
    unblock(SIGUSR1);
}

static void rights(void)
{
    pid_t parent = getpid();
    handle(SIGCONT, SA_RESTART);
    IN_CHILD({
        OK(setresuid(1000, 1000, 1000));
        ERR(kill(parent, 0), EPERM);
        ERR(kill(parent, SIGTERM), EPERM);
        EQ(kill(parent, SIGCONT), 0); /* of the same session */
        OK(setsid());
        ERR(kill(parent, SIGCONT), EPERM);
    });
    signal(SIGCONT, SIG_DFL);
    siginfo_t info = {.si_code = SI_USER};
    IN_CHILD({
        ERR(syscall(SYS_rt_sigqueueinfo, parent, SIGURG, &info), EPERM);
        info.si_code = SI_TKILL;
        ERR(syscall(SYS_rt_sigqueueinfo, parent, SIGURG, &info), EPERM);
        EQ(syscall(SYS_rt_sigqueueinfo, getpid(), SIGURG, &info), 0);
    });
}

/* ---- queues ---- */

static void queues(void)
{
    siginfo_t info;
    pid_t parent = getpid();
    for (int k = 0; k < 3; k++)
        block(SIGRTMIN + k);
    IN_CHILD({
        for (int i = 0; i < 300; i++)
            EQ(sigqueue(parent, SIGRTMIN + 2 - i % 3, (union sigval){.sival_int = i}), 0);
    });
    for (int k = 0; k < 3; k++) {
        for (int i = 2 - k; i < 300; i += 3) {
            EQ(take(SIGRTMIN + k, &info), SIGRTMIN + k);
            EQ(info.si_value.sival_int, i);
        }
        CHECK(!pends(SIGRTMIN + k));
    }
    /* Beyond the limit. */
    struct rlimit small = {3, 3};
    IN_CHILD({
        int sent = 0;
        block(SIGUSR1);
        OK(setrlimit(RLIMIT_SIGPENDING, &small));
        while (sent < 10 && sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 1}) == 0)
            sent++;
        EQ(errno, EAGAIN);
        CHECK(sent <= 3);
        EQ(kill(getpid(), SIGRTMIN + 1), 0);
        EQ(take(SIGRTMIN + 1, &info), SIGRTMIN + 1);
        EQ(info.si_code, SI_USER);
        EQ(info.si_pid, 0); /* its details had no place */
        EQ(kill(getpid(), SIGUSR1), 0);
        EQ(take(SIGUSR1, &info), SIGUSR1);
        EQ(info.si_pid, getpid());
        for (int i = 0; i < sent; i++)
            EQ(take(SIGRTMIN, &info), SIGRTMIN);
        CHECK(!pends(SIGRTMIN));
    });
    for (int k = 0; k < 3; k++)
        unblock(SIGRTMIN + k);
}

static _Atomic int taken;
static void *taker(void *arg)
{
    siginfo_t info;
    for (;;) {
        int sig = take(SIGRTMIN, &info);
        /* Woken for a signal that another one has taken meanwhile: EINTR, on Linux. */
        if (sig == -1 && errno == EINTR)
            continue;
        if (sig != SIGRTMIN || info.si_value.sival_int < 0)
            return arg;
        taken++;
    }
}

static void many_takers(void)
{
    pthread_t t[4];
    block(SIGRTMIN);
    for (int i = 0; i < 4; i++)
        pthread_create(&t[i], NULL, taker, NULL);
    pid_t parent = getpid();
    IN_CHILD({
        for (int i = 0; i < 200; i++)
            EQ(sigqueue(parent, SIGRTMIN, (union sigval){.sival_int = i}), 0);
    });
    for (int i = 0; i < 5000 && taken < 200; i++)
        usleep(1000);
    for (int i = 0; i < 4; i++)
        sigqueue(parent, SIGRTMIN, (union sigval){.sival_int = -1});
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    EQ(taken, 200);
    unblock(SIGRTMIN);
}

static void unblockable(void)
{
    sigset_t set;
    int status;
    struct sigaction sa = {.sa_handler = SIG_IGN};
    ERR(sigaction(SIGKILL, &sa, NULL), EINVAL);
    ERR(sigaction(SIGSTOP, &sa, NULL), EINVAL);
    pid_t pid = fork();
    if (pid == 0) {
        sigfillset(&set);
        sigprocmask(SIG_BLOCK, &set, NULL);
        sigprocmask(SIG_BLOCK, NULL, &set);
        if (sigismember(&set, SIGKILL) || sigismember(&set, SIGSTOP))
            _exit(1);
        for (;;)
            pause();
    }
    EQ(kill(pid, SIGSTOP), 0);
    EQ(waitpid(pid, &status, WUNTRACED), pid);
    CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    EQ(kill(pid, SIGKILL), 0);
    EQ(waitpid(pid, &status, 0), pid);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && !WCOREDUMP(status));
}

/* ---- children ---- */

static void await_count(int n)
{
    for (int i = 0; i < 5000 && count < n; i++)
        usleep(1000);
    EQ(count, n);
}

static void children(void)
{
    int status;
    siginfo_t info;
    count = 0;
    expect_tid = 0;
    handle(SIGCHLD, SA_RESTART);
    pid_t pid = fork();
    if (pid == 0) {
        for (;;)
            pause();
    }
    kill(pid, SIGSTOP);
    await_count(1);
    EQ(last.si_code, CLD_STOPPED);
    EQ(last.si_status, SIGSTOP);
    EQ(last.si_pid, pid);
    EQ(last.si_uid, getuid());
    kill(pid, SIGCONT);
    await_count(2);
    EQ(last.si_code, CLD_CONTINUED);
    EQ(last.si_status, SIGCONT);
    kill(pid, SIGTERM);
    await_count(3);
    EQ(last.si_code, CLD_KILLED);
    EQ(last.si_status, SIGTERM);
    EQ(waitpid(pid, &status, 0), pid);

    handle(SIGCHLD, SA_RESTART | SA_NOCLDSTOP);
    pid = fork();
    if (pid == 0) {
        for (;;)
            pause();
    }
    kill(pid, SIGSTOP);
    EQ(waitpid(pid, &status, WUNTRACED), pid);
    kill(pid, SIGCONT);
    EQ(waitpid(pid, &status, WCONTINUED), pid);
    CHECK(WIFCONTINUED(status));
    EQ(count, 3);
    kill(pid, SIGABRT);
    await_count(4);
    EQ(last.si_status, SIGABRT);
    EQ(waitpid(pid, &status, 0), pid);

    /* They do not queue. */
    signal(SIGCHLD, SIG_DFL);
    block(SIGCHLD);
    for (int i = 0; i < 3; i++) {
        pid = fork();
        if (pid == 0)
            _exit(7);
        EQ(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    }
    EQ(take(SIGCHLD, &info), SIGCHLD);
    EQ(info.si_code, CLD_EXITED);
    EQ(info.si_status, 7);
    CHECK(!pends(SIGCHLD));
    while (waitpid(-1, NULL, 0) > 0)
        ;

    /* By a descriptor. */
    sigset_t set = only(SIGCHLD);
    struct epoll_event event = {.events = EPOLLIN}, got;
    struct signalfd_siginfo sfd;
    int fd = signalfd(-1, &set, SFD_NONBLOCK), ep = epoll_create1(0);
    OK(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event));
    EQ(epoll_wait(ep, &got, 1, 0), 0);
    pid = fork();
    if (pid == 0)
        _exit(42);
    EQ(epoll_wait(ep, &got, 1, 10000), 1);
    EQ(read(fd, &sfd, sizeof sfd), sizeof sfd);
    EQ(sfd.ssi_signo, SIGCHLD);
    EQ(sfd.ssi_pid, pid);
    EQ(sfd.ssi_status, 42);
    EQ(sfd.ssi_code, CLD_EXITED);
    ERR(read(fd, &sfd, sizeof sfd), EAGAIN);
    EQ(waitpid(pid, NULL, 0), pid);
    /* A child reads its own signals through it. */
    block(SIGUSR1);
    set = only(SIGUSR1);
    EQ(signalfd(fd, &set, 0), fd);
    raise(SIGUSR1);
    IN_CHILD({
        ERR(read(fd, &sfd, sizeof sfd), EAGAIN);
        raise(SIGUSR1);
        EQ(read(fd, &sfd, sizeof sfd), sizeof sfd);
        EQ(sfd.ssi_pid, getpid());
    });
    EQ(read(fd, &sfd, sizeof sfd), sizeof sfd);
    EQ(sfd.ssi_pid, getpid());
    close(fd);
    close(ep);
    unblock(SIGUSR1);
    unblock(SIGCHLD);
}

/* ---- fork and exec ---- */

static void across_fork(void)
{
    static char alt[32768];
    stack_t st = {.ss_sp = alt, .ss_size = sizeof alt};
    struct itimerval soon = {{0, 0}, {1000, 0}};
    timer_t timer;
    block(SIGUSR1);
    block(SIGRTMIN);
    raise(SIGUSR1);
    sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 1});
    OK(sigaltstack(&st, NULL));
    setitimer(ITIMER_REAL, &soon, NULL);
    OK(timer_create(CLOCK_MONOTONIC, NULL, &timer));
    IN_CHILD({
        struct itimerval now;
        struct itimerspec spec;
        sigset_t set;
        CHECK(!pends(SIGUSR1) && !pends(SIGRTMIN));
        sigprocmask(SIG_BLOCK, NULL, &set);
        CHECK(sigismember(&set, SIGUSR1));
        getitimer(ITIMER_REAL, &now);
        EQ(now.it_value.tv_sec, 0);
        ERR(timer_gettime(timer, &spec), EINVAL);
        OK(sigaltstack(NULL, &st));
        EQ((long)st.ss_sp, (long)alt);
    });
    CHECK(pends(SIGUSR1) && pends(SIGRTMIN));
    timer_delete(timer);
}

/* The first thread is whoever called execve: others find it. */
static void found_by_others(siginfo_t *info)
{
    pid_t pid = getpid(), child = fork();
    block(SIGRTMIN);
    if (child == 0)
        _exit(syscall(SYS_tgkill, pid, pid, SIGRTMIN) != 0);
    EQ(take(SIGRTMIN, info), SIGRTMIN);
    EQ(info->si_code, SI_TKILL);
    EQ(info->si_pid, child);
    EQ(waitpid(child, NULL, 0), child);
}

/* In the program that exec starts: what across_fork() and these lines have left. */
static int after_exec(void)
{
    siginfo_t info;
    struct sigaction sa;
    struct itimerval now;
    struct itimerspec spec;
    stack_t st;
    CHECK(pends(SIGUSR1) && pends(SIGRTMIN));
    EQ(take(SIGRTMIN, &info), SIGRTMIN);
    EQ(info.si_value.sival_int, 1);
    EQ(take(SIGRTMIN, &info), SIGRTMIN);
    EQ(info.si_value.sival_int, 2);
    CHECK(!pends(SIGRTMIN));
    CHECK(!pends(SIGUSR2)); /* a timer's */
    sigaction(SIGHUP, NULL, &sa);
    CHECK(sa.sa_handler == SIG_IGN);
    sigaction(SIGTERM, NULL, &sa);
    CHECK(sa.sa_handler == SIG_DFL);
    getitimer(ITIMER_REAL, &now);
    CHECK(now.it_value.tv_sec > 900);
    ERR(syscall(SYS_timer_gettime, 0, &spec), EINVAL);
    OK(sigaltstack(NULL, &st));
    EQ(st.ss_flags, SS_DISABLE);
    fflush(stdout);
    found_by_others(&info);
    return guest_failed != 0;
}

static void *exec_here(void *arg)
{
    execl("/proc/self/exe", "sigproc", "after-exec", NULL);
    return arg;
}

static void across_exec(void)
{
    timer_t timer;
    struct itimerspec at_once = {.it_value = {0, 1}};
    struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2};
    int status;
    sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 2});
    for (int from_thread = 0; from_thread < 2; from_thread++) {
        fflush(stdout);
        pid_t pid = fork();
        if (pid == 0) {
            struct itimerval soon = {{0, 0}, {1000, 0}};
            pthread_t t;
            raise(SIGUSR1);
            sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 1});
            sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 2});
            setitimer(ITIMER_REAL, &soon, NULL);
            signal(SIGHUP, SIG_IGN);
            handle(SIGTERM, 0);
            block(SIGUSR2);
            OK(timer_create(CLOCK_MONOTONIC, &ev, &timer));
            OK(timer_settime(timer, 0, &at_once, NULL));
            for (int i = 0; i < 5000 && !pends(SIGUSR2); i++)
                usleep(1000);
            CHECK(pends(SIGUSR2));
            /* To the process, not to the thread that exec ends. */
            if (from_thread && guest_failed == 0) {
                siginfo_t info;
                take(SIGUSR1, &info);
                kill(getpid(), SIGUSR1);
                pthread_create(&t, NULL, exec_here, NULL);
                pthread_join(t, NULL);
            }
            exec_here(NULL);
            _exit(99);
        }
        EQ(waitpid(pid, &status, 0), pid);
        EQ(status, 0);
    }
    struct itimerval off = {{0, 0}, {0, 0}};
    setitimer(ITIMER_REAL, &off, NULL);
    siginfo_t info;
    take(SIGUSR1, &info);
    take(SIGRTMIN, &info);
    take(SIGRTMIN, &info);
    unblock(SIGUSR1);
    unblock(SIGRTMIN);
}

/* ---- what a thread's own call raises is the thread's ---- */

static void *break_pipes(void *arg)
{
    int p[2];
    expect_tid = (int)syscall(SYS_gettid);
    for (int i = 0; i < 200; i++) {
        OK(pipe(p));
        close(p[0]);
        ERR(write(p[1], "x", 1), EPIPE);
        EQ(count, i + 1);
        close(p[1]);
    }
    EQ(last.si_pid, getpid());
    board[1] = 1;
    return arg;
}

static void *busy(void *arg)
{
    while (!board[1])
        getppid();
    return arg;
}

static void broken_pipes(void)
{
    pthread_t a, b;
    count = 0;
    wrong_thread = 0;
    board[1] = 0;
    handle(SIGPIPE, 0);
    pthread_create(&a, NULL, busy, NULL);
    pthread_create(&b, NULL, break_pipes, NULL);
    pthread_join(b, NULL);
    pthread_join(a, NULL);
    EQ(wrong_thread, 0);
    expect_tid = 0;
    signal(SIGPIPE, SIG_DFL);
}

/* ---- timers ---- */

static void timers(void)
{
    timer_t timer;
    siginfo_t info;
    struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
    struct itimerspec every = {{0, 1000000}, {0, 1000000}}, off = {{0, 0}, {0, 0}},
                      once = {.it_value = {0, 1}};
    ev.sigev_value.sival_ptr = (void *)0x99999;
    block(SIGRTMIN);
    OK(timer_create(CLOCK_MONOTONIC, &ev, &timer));
    OK(timer_settime(timer, 0, &every, NULL));
    usleep(100000);
    EQ(take(SIGRTMIN, &info), SIGRTMIN);
    EQ(info.si_code, SI_TIMER);
    EQ((long)info.si_value.sival_ptr, 0x99999);
    EQ(info.si_timerid, (int)(long)timer);
    CHECK(info.si_overrun >= 20);
    EQ(timer_getoverrun(timer), info.si_overrun);
    OK(timer_settime(timer, 0, &off, NULL));
    while (pends(SIGRTMIN))
        take(SIGRTMIN, &info);
    /* What is pending outlives its timer. */
    OK(timer_settime(timer, 0, &once, NULL));
    for (int i = 0; i < 5000 && !pends(SIGRTMIN); i++)
        usleep(1000);
    OK(timer_delete(timer));
    ERR(timer_delete(timer), EINVAL);
    CHECK(pends(SIGRTMIN));
    EQ(take(SIGRTMIN, &info), SIGRTMIN);
    EQ(info.si_code, SI_TIMER);
    /* To one thread. */
    ev.sigev_notify = SIGEV_THREAD_ID;
    ev._sigev_un._tid = (int)syscall(SYS_gettid);
    OK(timer_create(CLOCK_REALTIME, &ev, &timer));
    OK(timer_settime(timer, 0, &once, NULL));
    EQ(take(SIGRTMIN, &info), SIGRTMIN);
    OK(timer_delete(timer));
    /* To nobody. */
    ev.sigev_notify = SIGEV_NONE;
    OK(timer_create(CLOCK_MONOTONIC, &ev, &timer));
    OK(timer_settime(timer, 0, &once, NULL));
    usleep(20000);
    CHECK(!pends(SIGRTMIN));
    struct itimerspec left;
    OK(timer_gettime(timer, &left));
    EQ(left.it_value.tv_sec + left.it_value.tv_nsec, 0);
    OK(timer_delete(timer));
    /* A number is not given again at once. */
    timer_t other;
    OK(timer_create(CLOCK_MONOTONIC, &ev, &other));
    CHECK(other != timer);
    OK(timer_delete(other));
    unblock(SIGRTMIN);

    for (int which = ITIMER_VIRTUAL; which <= ITIMER_PROF; which++) {
        struct itimerval soon = {{0, 0}, {0, 10000}};
        count = 0;
        handle(which == ITIMER_PROF ? SIGPROF : SIGVTALRM, SA_RESTART);
        OK(setitimer(which, &soon, NULL));
        for (long i = 0; i < 2000000000 && !count; i++)
            ;
        EQ(count, 1);
        EQ(last.si_code, SI_KERNEL);
    }
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "after-exec") == 0)
        return after_exec();
    board = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    senders();
    to_a_thread();
    without_first_thread();
    zombies();
    groups();
    rights();
    queues();
    many_takers();
    unblockable();
    children();
    across_fork();
    across_exec();
    broken_pipes();
    timers();
    return done();
}
