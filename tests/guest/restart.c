/* guest-test: process=second flags=-pthread roots=plain */
/*
 * What an interrupted call does: signal(7). Each call runs in a child that waits in it while its
 * parent sends signals again and again; in the end the call gives EINTR by itself, or still waits
 * and succeeds when the parent lets it.
 */
#include <fcntl.h>
#include <linux/futex.h>
#include <mqueue.h>
#include <poll.h>
#include <pty.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>

#include "guest.h"

enum mode { RESTARTING, PLAIN, IGNORED, BY_DEFAULT, BLOCKED, STOPPED, MODES };
static const char *const mode_name[MODES] = {"SA_RESTART", "handler", "ignored",
                                             "default",    "blocked", "stop"};

enum kind {
    SYS = 0,    /* -ERESTARTSYS: goes on after a handler with SA_RESTART */
    NOHAND = 1, /* EINTR after any handler */
    INTR = 3,   /* that, and after a stop too */
    NEVER = 4,  /* not even by a handler */
    SEM = 5,    /* INTR on Linux; under elfuse a mere stop does not show */
};

struct shared {
    _Atomic int handled, started, finished;
    long result;
    int error;
    _Atomic uint32_t word, word2;
};

struct ctx {
    int fd[2], extra, id;
    pid_t other;
    char dir[32], path[64];
    struct shared *s;
};

static struct shared *shared;
static char big[1 << 20];

static void nap(int ms)
{
    struct timespec ts = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&ts, NULL);
}

static void on_signal(int sig)
{
    (void)sig;
    shared->handled++;
}

#include "restart_io.h"

/* ---- futexes ---- */

static void none(struct ctx *c)
{
    (void)c;
}
static long futex(_Atomic uint32_t *word, int op, uint32_t val, const void *ts, uint32_t val3)
{
    return syscall(SYS_futex, word, op, val, ts, NULL, val3);
}
static long futex_wait(struct ctx *c)
{
    return futex(&c->s->word, FUTEX_WAIT, 0, NULL, 0) < 0 && errno != EAGAIN ? -1 : 0;
}
static long futex_wait_timed(struct ctx *c)
{
    struct timespec ts = {0, 400000000};
    return futex(&c->s->word, FUTEX_WAIT, 0, &ts, 0) < 0 && errno != ETIMEDOUT ? -1 : 0;
}
static long futex_wait_until(struct ctx *c)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    ts.tv_sec += 30;
    return futex(&c->s->word, FUTEX_WAIT_BITSET, 0, &ts, ~0u) < 0 && errno != EAGAIN ? -1 : 0;
}
static long futex_wait_v(struct ctx *c)
{
    struct futex_waitv w[2] = {{0, (uintptr_t)&c->s->word, FUTEX_32, 0},
                               {0, (uintptr_t)&c->s->word2, FUTEX_32, 0}};
    return syscall(SYS_futex_waitv, w, 2, 0, NULL, 0) < 0 && errno != EAGAIN ? -1 : 0;
}
static void wake(struct ctx *c)
{
    c->s->word = 1;
    futex(&c->s->word, FUTEX_WAKE, 1, NULL, 0);
}
static void held(struct ctx *c)
{
    c->s->word = (uint32_t)syscall(SYS_gettid);
}
static long futex_lock(struct ctx *c)
{
    return futex(&c->s->word, FUTEX_LOCK_PI, 0, NULL, 0);
}
static void unlock(struct ctx *c)
{
    OK(futex(&c->s->word, FUTEX_UNLOCK_PI, 0, NULL, 0));
}

/* ---- time ---- */

static long do_nanosleep(struct ctx *c)
{
    struct timespec ts = {0, 400000000};
    (void)c;
    return nanosleep(&ts, NULL);
}
static long sleep_abs(struct ctx *c)
{
    struct timespec ts;
    (void)c;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    ts.tv_nsec += 400000000;
    ts.tv_sec += ts.tv_nsec / 1000000000;
    ts.tv_nsec %= 1000000000;
    errno = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
    return errno ? -1 : 0;
}

/* ---- processes: a child of the one that waits ends when the pipe gives a byte ---- */

static pid_t grandchild(struct ctx *c)
{
    char b;
    pid_t pid = fork();
    if (pid == 0) {
        signal(SIGUSR1, SIG_IGN);
        (void)!read(c->fd[0], &b, 1);
        _exit(0);
    }
    return pid;
}
static long do_wait4(struct ctx *c)
{
    static pid_t pid;
    if (!pid)
        pid = grandchild(c);
    return waitpid(pid, NULL, 0) < 0 ? -1 : 0;
}
static long do_waitid(struct ctx *c)
{
    siginfo_t info;
    grandchild(c);
    return waitid(P_ALL, 0, &info, WEXITED);
}

/* ---- locks ---- */

static void a_lock(struct ctx *c)
{
    c->fd[0] = open(c->path, O_CREAT | O_RDWR, 0600);
    OK(flock(c->fd[0], LOCK_EX));
}
static long do_flock(struct ctx *c)
{
    int fd = open(c->path, O_RDWR);
    return flock(fd, LOCK_EX);
}
static void un_flock(struct ctx *c)
{
    OK(flock(c->fd[0], LOCK_UN));
}
static void a_record(struct ctx *c)
{
    struct flock l = {.l_type = F_WRLCK};
    c->fd[0] = open(c->path, O_CREAT | O_RDWR, 0600);
    OK(fcntl(c->fd[0], F_SETLK, &l));
}
static long do_setlkw(struct ctx *c)
{
    struct flock l = {.l_type = F_WRLCK};
    return fcntl(open(c->path, O_RDWR), F_SETLKW, &l);
}
static long do_ofd_setlkw(struct ctx *c)
{
    struct flock l = {.l_type = F_WRLCK};
    return fcntl(open(c->path, O_RDWR), F_OFD_SETLKW, &l);
}
static void un_record(struct ctx *c)
{
    struct flock l = {.l_type = F_UNLCK};
    OK(fcntl(c->fd[0], F_SETLK, &l));
}

/* ---- System V and POSIX IPC ---- */

static void a_sem(struct ctx *c)
{
    c->id = semget(IPC_PRIVATE, 1, 0600);
}
static long do_semop(struct ctx *c)
{
    struct sembuf b = {0, -1, 0};
    return semop(c->id, &b, 1);
}
static long do_semtimedop(struct ctx *c)
{
    struct sembuf b = {0, -1, 0};
    struct timespec ts = {30, 0};
    return semtimedop(c->id, &b, 1, &ts);
}
static void sem_up(struct ctx *c)
{
    struct sembuf b = {0, 1, 0};
    OK(semop(c->id, &b, 1));
}
static void un_sem(struct ctx *c)
{
    semctl(c->id, 0, IPC_RMID);
}
struct message {
    long type;
    char text[2048];
};
static void a_queue(struct ctx *c)
{
    c->id = msgget(IPC_PRIVATE, 0600);
}
static long do_msgrcv(struct ctx *c)
{
    struct message m;
    return msgrcv(c->id, &m, sizeof m.text, 0, 0) < 0 ? -1 : 0;
}
static void put_message(struct ctx *c)
{
    struct message m = {.type = 1};
    OK(msgsnd(c->id, &m, 1, 0));
}
static void full_queue(struct ctx *c)
{
    struct message m = {.type = 1};
    a_queue(c);
    while (msgsnd(c->id, &m, sizeof m.text, IPC_NOWAIT) == 0)
        ;
}
static long do_msgsnd(struct ctx *c)
{
    struct message m = {.type = 1};
    return msgsnd(c->id, &m, sizeof m.text, 0);
}
static void take_message(struct ctx *c)
{
    struct message m;
    OK(msgrcv(c->id, &m, sizeof m.text, 0, 0));
}
static void un_queue(struct ctx *c)
{
    msgctl(c->id, IPC_RMID, NULL);
}
static void a_mq(struct ctx *c)
{
    char name[32];
    struct mq_attr attr = {.mq_maxmsg = 1, .mq_msgsize = 8};
    snprintf(name, sizeof name, "/restart-%d", (int)getpid());
    c->fd[0] = mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &attr);
    OK(c->fd[0]);
    mq_unlink(name);
}
static void full_mq(struct ctx *c)
{
    a_mq(c);
    OK(mq_send(c->fd[0], "x", 1, 0));
}
static long do_mq_receive(struct ctx *c)
{
    char b[8];
    return mq_receive(c->fd[0], b, 8, NULL) < 0 ? -1 : 0;
}
static long do_mq_timedreceive(struct ctx *c)
{
    char b[8];
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    ts.tv_sec += 30;
    return mq_timedreceive(c->fd[0], b, 8, NULL, &ts) < 0 ? -1 : 0;
}
static long do_mq_send(struct ctx *c)
{
    return mq_send(c->fd[0], "x", 1, 0);
}
static void mq_put(struct ctx *c)
{
    OK(mq_send(c->fd[0], "x", 1, 0));
}
static void mq_take(struct ctx *c)
{
    char b[8];
    OK(mq_receive(c->fd[0], b, 8, NULL));
}

/* ---- signals ---- */

static void block_usr2(struct ctx *c)
{
    sigset_t set;
    (void)c;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    sigprocmask(SIG_BLOCK, &set, NULL);
}
static long do_sigwaitinfo(struct ctx *c)
{
    sigset_t set;
    (void)c;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    return sigwaitinfo(&set, NULL) < 0 ? -1 : 0;
}
static long do_sigtimedwait(struct ctx *c)
{
    sigset_t set;
    struct timespec ts = {30, 0};
    (void)c;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    return sigtimedwait(&set, NULL, &ts) < 0 ? -1 : 0;
}
/* With SIGUSR1 as before, SIGUSR2 ends it. */
static volatile sig_atomic_t got_usr2;
static void on_usr2(int sig)
{
    (void)sig;
    got_usr2 = 1;
}
static long do_sigsuspend(struct ctx *c)
{
    sigset_t set;
    (void)c;
    sigprocmask(SIG_BLOCK, NULL, &set);
    sigdelset(&set, SIGUSR2);
    signal(SIGUSR2, on_usr2);
    return sigsuspend(&set) == -1 && got_usr2 ? 0 : -1;
}
static long do_pause(struct ctx *c)
{
    sigset_t set;
    (void)c;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    signal(SIGUSR2, on_usr2);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    while (!shared->finished) {
        long r = pause();
        return r == -1 && got_usr2 ? 0 : -1;
    }
    return -1;
}

struct test {
    const char *name;
    enum kind kind;
    void (*setup)(struct ctx *);
    long (*call)(struct ctx *);
    void (*release)(struct ctx *); /* NULL: it ends by itself after 0.4 s */
    void (*after)(struct ctx *);
};

static const struct test tests[] = {
    {"read pipe", SYS, a_pipe, do_read, feed, NULL},
    {"readv pipe", SYS, a_pipe, do_readv, feed, NULL},
    {"write pipe", SYS, full_pipe, do_write, empty, NULL},
    {"read eventfd", SYS, an_eventfd, do_read, feed_event, NULL},
    {"write eventfd", SYS, full_eventfd, write_event, take_event, NULL},
    {"read timerfd", SYS, a_timerfd, do_read, set_timerfd, NULL},
    {"read inotify", SYS, an_inotify, read_inotify, make_file, NULL},
    {"read signalfd", SYS, a_signalfd, read_signalfd, send_usr2, NULL},
    {"open fifo to read", SYS, a_fifo, open_read, meet, NULL},
    {"open fifo to write", SYS, a_fifo, open_write, meet, NULL},
    {"read tty", SYS, a_tty, do_read, type_line, NULL},
    {"write stopped tty", SYS, stopped_tty, write_tty, go_on_tty, NULL},
    {"splice from pipe", SYS, a_pipe, do_splice, feed, NULL},
    {"splice to pipe", SYS, two_pipes, splice_full, empty, NULL},
    {"tee", SYS, a_pipe, do_tee, feed, NULL},
    {"vmsplice", SYS, full_pipe, do_vmsplice, empty, NULL},
    {"sendfile", SYS, full_pipe, do_sendfile, empty, NULL},
    {"read socket", SYS, pair, do_read, feed, NULL},
    {"write socket", SYS, full_pair, do_write, empty, NULL},
    {"recv", SYS, pair, do_recv, feed, NULL},
    {"recvmsg", SYS, pair, do_recvmsg, feed, NULL},
    {"recvmmsg", SYS, pair, do_recvmmsg, feed, NULL},
    {"send", SYS, full_pair, do_send, empty, NULL},
    {"sendmsg", SYS, full_pair, do_sendmsg, empty, NULL},
    {"accept", SYS, listener, do_accept, come, NULL},
    {"connect", SYS, busy_listener, do_connect, admit, NULL},
    {"read socket, SO_RCVTIMEO", INTR, timed_pair, do_read, feed, NULL},
    {"recv, SO_RCVTIMEO", INTR, timed_pair, do_recv, feed, NULL},
    {"recvmsg, SO_RCVTIMEO", INTR, timed_pair, do_recvmsg, feed, NULL},
    {"recvmmsg, SO_RCVTIMEO", INTR, timed_pair, do_recvmmsg, feed, NULL},
    {"write socket, SO_SNDTIMEO", INTR, timed_full, do_write, empty, NULL},
    {"send, SO_SNDTIMEO", INTR, timed_full, do_send, empty, NULL},
    {"accept, SO_RCVTIMEO", INTR, timed_listener, do_accept, come, NULL},
    {"connect, SO_SNDTIMEO", INTR, timed_busy, do_connect, admit, NULL},
    {"poll", NOHAND, a_pipe, do_poll, feed, NULL},
    {"ppoll with time", NOHAND, none, ppoll_time, NULL, NULL},
    {"select", NOHAND, a_pipe, do_select, feed, NULL},
    {"pselect with time", NOHAND, none, select_time, NULL, NULL},
    {"epoll_wait", INTR, an_epoll, do_epoll, feed, NULL},
    {"epoll_pwait2", INTR, an_epoll, do_epoll2, feed, NULL},
    {"epoll_wait with time", INTR, an_epoll, epoll_time, NULL, NULL},
    {"futex wait", SYS, none, futex_wait, wake, NULL},
    {"futex wait with time", NOHAND, none, futex_wait_timed, NULL, NULL},
    {"futex wait until", NOHAND, none, futex_wait_until, wake, NULL},
    {"futex_waitv", SYS, none, futex_wait_v, wake, NULL},
    {"futex lock pi", NEVER, held, futex_lock, unlock, NULL},
    {"nanosleep", NOHAND, none, do_nanosleep, NULL, NULL},
    {"clock_nanosleep until", NOHAND, none, sleep_abs, NULL, NULL},
    {"wait4", SYS, a_pipe, do_wait4, feed, NULL},
    {"waitid", SYS, a_pipe, do_waitid, feed, NULL},
    {"flock", SYS, a_lock, do_flock, un_flock, NULL},
    {"F_SETLKW", SYS, a_record, do_setlkw, un_record, NULL},
    {"F_OFD_SETLKW", SYS, a_record, do_ofd_setlkw, un_record, NULL},
    {"semop", SEM, a_sem, do_semop, sem_up, un_sem},
    {"semtimedop", SEM, a_sem, do_semtimedop, sem_up, un_sem},
    {"msgrcv", NOHAND, a_queue, do_msgrcv, put_message, un_queue},
    {"msgsnd", NOHAND, full_queue, do_msgsnd, take_message, un_queue},
    {"mq_receive", SYS, a_mq, do_mq_receive, mq_put, NULL},
    {"mq_timedreceive", SYS, a_mq, do_mq_timedreceive, mq_put, NULL},
    {"mq_send", SYS, full_mq, do_mq_send, mq_take, NULL},
    {"sigwaitinfo", INTR, block_usr2, do_sigwaitinfo, send_usr2, NULL},
    {"sigtimedwait", INTR, block_usr2, do_sigtimedwait, send_usr2, NULL},
    {"sigsuspend", NOHAND, block_usr2, do_sigsuspend, send_usr2, NULL},
    {"pause", NOHAND, block_usr2, do_pause, send_usr2, NULL},
};
enum { TESTS = sizeof tests / sizeof tests[0] };

/* ---- the two sides ---- */

static int mode_signal(enum mode mode)
{
    return mode == BY_DEFAULT ? SIGURG : SIGUSR1;
}

static void waiter(const struct test *t, enum mode mode, struct ctx *c)
{
    struct sigaction sa = {.sa_handler = on_signal};
    sigset_t set;
    if (mode == RESTARTING)
        sa.sa_flags = SA_RESTART;
    if (mode == IGNORED)
        sa.sa_handler = SIG_IGN;
    if (mode != BY_DEFAULT)
        sigaction(SIGUSR1, &sa, NULL);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(mode == BLOCKED ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
    c->s->started = 1;
    c->s->result = t->call(c);
    c->s->error = errno;
    c->s->finished = 1;
    fflush(stdout);
    _exit(guest_failed != 0);
}

/* One round of trouble for the child. */
static void disturb(pid_t pid, enum mode mode)
{
    int status;
    if (mode != STOPPED) {
        kill(pid, mode_signal(mode));
        nap(4);
        return;
    }
    kill(pid, SIGSTOP);
    if (waitpid(pid, &status, WUNTRACED) == pid && !WIFSTOPPED(status))
        return;
    kill(pid, SIGCONT);
    nap(4);
}

static bool interrupts(enum kind kind, enum mode mode)
{
    switch (mode) {
    case RESTARTING: return kind == NOHAND || kind == INTR || kind == SEM;
    case PLAIN: return kind != NEVER;
    case STOPPED: return kind == INTR;
    default: return false;
    }
}

/* Until the child is done, or it has been disturbed so often that it surely waits. */
static void disturb_all(const struct test *t, enum mode mode, pid_t pid)
{
    bool to_the_end = interrupts(t->kind, mode) || !t->release;
    bool handled = mode == RESTARTING || (mode == PLAIN && t->kind == NEVER);
    while (!shared->started)
        nap(1);
    for (int i = 0; i < 2000 && !shared->finished; i++) {
        if (!to_the_end && i >= 4 && (!handled || shared->handled >= 4))
            break;
        disturb(pid, mode);
    }
}

static void one(const struct test *t, enum mode mode, struct ctx *c)
{
    int status = 0;
    memset(shared, 0, sizeof *shared);
    c->s = shared;
    c->fd[0] = c->fd[1] = c->extra = c->id = -1;
    sprintf(c->path, "%s/%d", c->dir, (int)mode);
    t->setup(c);
    fflush(stdout);
    pid_t pid = c->other = fork();
    if (pid == 0)
        waiter(t, mode, c);
    disturb_all(t, mode, pid);
    bool interrupted = shared->finished && shared->result == -1 && shared->error == EINTR;
    bool want = interrupts(t->kind, mode);
    if (!shared->finished && t->release)
        t->release(c);
    for (int i = 0; i < 10000 && !shared->finished; i++)
        nap(1);
    if (!shared->finished)
        FAIL("%s, %s: still waits", t->name, mode_name[mode]);
    else if (interrupted != want)
        FAIL("%s, %s: %s (%ld, errno %d)", t->name, mode_name[mode],
             interrupted ? "interrupted" : "not interrupted", shared->result, shared->error);
    else if (!interrupted && shared->result)
        FAIL("%s, %s: %ld, errno %d", t->name, mode_name[mode], shared->result, shared->error);
    if (!shared->finished)
        kill(pid, SIGKILL);
    if (interrupted && (t->call == do_wait4 || t->call == do_waitid))
        feed(c);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (t->after)
        t->after(c);
    for (int k = 0; k < 2; k++) {
        close(c->fd[k]);
    }
    close(c->extra);
    unlink(c->path);
}

static int run(const struct test *t)
{
    struct ctx c = {.dir = "/tmp/restart-XXXXXX"};
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(mkdtemp(c.dir));
    signal(SIGUSR1, SIG_IGN); /* what comes after the child has ended */
    for (enum mode mode = 0; mode < MODES; mode++) {
        if (mode != STOPPED || t->kind != SEM)
            one(t, mode, &c);
    }
    rmdir(c.dir);
    return guest_failed != 0;
}

int main(int argc, char **argv)
{
    enum { AT_ONCE = 8 };
    int running = 0, status;
    mkdir("/tmp", 01777);
    for (int i = 0; i < TESTS; i++) {
        if (argc > 1 && !strstr(tests[i].name, argv[1]))
            continue;
        if (running == AT_ONCE) {
            OK(wait(&status));
            guest_failed += status != 0;
            running--;
        }
        fflush(stdout);
        if (fork() == 0)
            exit(run(&tests[i]));
        running++;
    }
    for (; running; running--) {
        OK(wait(&status));
        guest_failed += status != 0;
    }
    return done();
}
