/*
 * restart_io.h - of restart.c: the calls that wait for descriptors, and what each needs before and
 * gets to end it.
 */
#ifndef ELFUSE_GUEST_RESTART_IO_H
#define ELFUSE_GUEST_RESTART_IO_H

/* ---- descriptors ---- */

static void fill(int fd)
{
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    while (write(fd, big, 4096) > 0)
        ;
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
}
static void drain(int fd)
{
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    while (read(fd, big, sizeof big) > 0)
        ;
}
static void a_pipe(struct ctx *c)
{
    OK(pipe(c->fd));
}
static void full_pipe(struct ctx *c)
{
    a_pipe(c);
    fill(c->fd[1]);
}
static void feed(struct ctx *c)
{
    OK(write(c->fd[1], "x", 1));
}
static void empty(struct ctx *c)
{
    drain(c->fd[0]);
}
static long do_read(struct ctx *c)
{
    char b[16];
    return read(c->fd[0], b, sizeof b) < 0 ? -1 : 0;
}
static long do_readv(struct ctx *c)
{
    char b[16];
    struct iovec v = {b, sizeof b};
    return readv(c->fd[0], &v, 1) < 0 ? -1 : 0;
}
static long do_write(struct ctx *c)
{
    return write(c->fd[1], big, 4096) < 0 ? -1 : 0;
}

static void an_eventfd(struct ctx *c)
{
    c->fd[0] = c->fd[1] = eventfd(0, 0);
}
static void feed_event(struct ctx *c)
{
    uint64_t one = 1;
    OK(write(c->fd[1], &one, 8));
}
static void full_eventfd(struct ctx *c)
{
    uint64_t most = UINT64_MAX - 1;
    an_eventfd(c);
    OK(write(c->fd[1], &most, 8));
}
static long write_event(struct ctx *c)
{
    uint64_t one = 1;
    return write(c->fd[1], &one, 8) < 0 ? -1 : 0;
}
static void take_event(struct ctx *c)
{
    uint64_t v;
    OK(read(c->fd[0], &v, 8));
}
static void a_timerfd(struct ctx *c)
{
    c->fd[0] = timerfd_create(CLOCK_MONOTONIC, 0);
}
static void set_timerfd(struct ctx *c)
{
    struct itimerspec its = {.it_value = {0, 1}};
    OK(timerfd_settime(c->fd[0], 0, &its, NULL));
}
static void an_inotify(struct ctx *c)
{
    c->fd[0] = inotify_init1(0);
    OK(inotify_add_watch(c->fd[0], c->dir, IN_CREATE));
}
static long read_inotify(struct ctx *c)
{
    char b[512];
    return read(c->fd[0], b, sizeof b) < 0 ? -1 : 0;
}
static void make_file(struct ctx *c)
{
    close(open(c->path, O_CREAT | O_RDWR, 0600));
}

static void a_signalfd(struct ctx *c)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    sigprocmask(SIG_BLOCK, &set, NULL);
    c->fd[0] = signalfd(-1, &set, 0);
}
static long read_signalfd(struct ctx *c)
{
    struct signalfd_siginfo info;
    return read(c->fd[0], &info, sizeof info) < 0 ? -1 : 0;
}
static void send_usr2(struct ctx *c)
{
    OK(kill(c->other, SIGUSR2));
}

static void a_fifo(struct ctx *c)
{
    OK(mkfifo(c->path, 0600));
}
static long open_read(struct ctx *c)
{
    return open(c->path, O_RDONLY) < 0 ? -1 : 0;
}
static long open_write(struct ctx *c)
{
    return open(c->path, O_WRONLY) < 0 ? -1 : 0;
}
static void meet(struct ctx *c)
{
    close(open(c->path, O_RDWR));
}

static void a_tty(struct ctx *c)
{
    OK(openpty(&c->fd[1], &c->fd[0], NULL, NULL, NULL));
}
static void type_line(struct ctx *c)
{
    OK(write(c->fd[1], "x\n", 2));
}
static void stopped_tty(struct ctx *c)
{
    a_tty(c);
    OK(tcflow(c->fd[0], TCOOFF));
}
static long write_tty(struct ctx *c)
{
    return write(c->fd[0], "x", 1) < 0 ? -1 : 0;
}
static void go_on_tty(struct ctx *c)
{
    OK(tcflow(c->fd[0], TCOON));
}

static void two_pipes(struct ctx *c)
{
    full_pipe(c);
}
static long do_splice(struct ctx *c)
{
    int p[2];
    OK(pipe(p));
    return splice(c->fd[0], NULL, p[1], NULL, 10, 0) < 0 ? -1 : 0;
}
static long splice_full(struct ctx *c)
{
    int p[2];
    OK(pipe(p));
    OK(write(p[1], "x", 1));
    return splice(p[0], NULL, c->fd[1], NULL, 1, 0) < 0 ? -1 : 0;
}
static long do_tee(struct ctx *c)
{
    int p[2];
    OK(pipe(p));
    return tee(c->fd[0], p[1], 10, 0) < 0 ? -1 : 0;
}
static long do_vmsplice(struct ctx *c)
{
    struct iovec v = {big, 4096};
    return vmsplice(c->fd[1], &v, 1, 0) < 0 ? -1 : 0;
}
static long do_sendfile(struct ctx *c)
{
    int f = open("/proc/self/exe", O_RDONLY);
    return sendfile(c->fd[1], f, NULL, 100) < 0 ? -1 : 0;
}

/* ---- sockets ---- */

static void pair(struct ctx *c)
{
    OK(socketpair(AF_UNIX, SOCK_STREAM, 0, c->fd));
}
static void full_pair(struct ctx *c)
{
    pair(c);
    fill(c->fd[1]);
}
static void timed(int fd, int option)
{
    struct timeval tv = {30, 0};
    OK(setsockopt(fd, SOL_SOCKET, option, &tv, sizeof tv));
}
static void timed_pair(struct ctx *c)
{
    pair(c);
    timed(c->fd[0], SO_RCVTIMEO);
}
static void timed_full(struct ctx *c)
{
    full_pair(c);
    timed(c->fd[1], SO_SNDTIMEO);
}
static long do_recv(struct ctx *c)
{
    char b[8];
    return recv(c->fd[0], b, 8, 0) < 0 ? -1 : 0;
}
static long do_recvmsg(struct ctx *c)
{
    char b[8];
    struct iovec v = {b, 8};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
    return recvmsg(c->fd[0], &m, 0) < 0 ? -1 : 0;
}
static long do_recvmmsg(struct ctx *c)
{
    char b[8];
    struct iovec v = {b, 8};
    struct mmsghdr m = {.msg_hdr = {.msg_iov = &v, .msg_iovlen = 1}};
    return recvmmsg(c->fd[0], &m, 1, 0, NULL) < 0 ? -1 : 0;
}
static long do_send(struct ctx *c)
{
    return send(c->fd[1], big, 4096, 0) < 0 ? -1 : 0;
}
static long do_sendmsg(struct ctx *c)
{
    struct iovec v = {big, 4096};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
    return sendmsg(c->fd[1], &m, 0) < 0 ? -1 : 0;
}
static struct sockaddr_un address(struct ctx *c)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    memcpy(a.sun_path, c->path, strlen(c->path));
    return a;
}
static void listener(struct ctx *c)
{
    struct sockaddr_un a = address(c);
    c->fd[0] = socket(AF_UNIX, SOCK_STREAM, 0);
    OK(bind(c->fd[0], (void *)&a, sizeof a));
    OK(listen(c->fd[0], 0));
    c->fd[1] = socket(AF_UNIX, SOCK_STREAM, 0);
}
static void timed_listener(struct ctx *c)
{
    listener(c);
    timed(c->fd[0], SO_RCVTIMEO);
}
static long do_accept(struct ctx *c)
{
    return accept(c->fd[0], NULL, NULL) < 0 ? -1 : 0;
}
static void come(struct ctx *c)
{
    struct sockaddr_un a = address(c);
    OK(connect(c->fd[1], (void *)&a, sizeof a));
}
static void busy_listener(struct ctx *c)
{
    struct sockaddr_un a = address(c);
    listener(c);
    c->extra = socket(AF_UNIX, SOCK_STREAM, 0);
    OK(connect(c->extra, (void *)&a, sizeof a));
}
static void timed_busy(struct ctx *c)
{
    busy_listener(c);
    timed(c->fd[1], SO_SNDTIMEO);
}
static long do_connect(struct ctx *c)
{
    struct sockaddr_un a = address(c);
    return connect(c->fd[1], (void *)&a, sizeof a);
}
static void admit(struct ctx *c)
{
    OK(accept(c->fd[0], NULL, NULL));
}

/* ---- waiting for descriptors ---- */

static long do_poll(struct ctx *c)
{
    struct pollfd p = {.fd = c->fd[0], .events = POLLIN};
    return poll(&p, 1, -1) < 0 ? -1 : 0;
}
static long ppoll_time(struct ctx *c)
{
    struct timespec ts = {0, 400000000};
    (void)c;
    return ppoll(NULL, 0, &ts, NULL);
}
static long do_select(struct ctx *c)
{
    fd_set set;
    FD_ZERO(&set);
    FD_SET(c->fd[0], &set);
    return select(c->fd[0] + 1, &set, NULL, NULL, NULL) < 0 ? -1 : 0;
}
static long select_time(struct ctx *c)
{
    struct timespec ts = {0, 400000000};
    (void)c;
    return pselect(0, NULL, NULL, NULL, &ts, NULL);
}
static void an_epoll(struct ctx *c)
{
    struct epoll_event e = {.events = EPOLLIN};
    a_pipe(c);
    c->extra = epoll_create1(0);
    OK(epoll_ctl(c->extra, EPOLL_CTL_ADD, c->fd[0], &e));
}
static long do_epoll(struct ctx *c)
{
    struct epoll_event e;
    return epoll_wait(c->extra, &e, 1, -1) < 0 ? -1 : 0;
}
static long do_epoll2(struct ctx *c)
{
    struct epoll_event e;
    struct timespec ts = {30, 0};
    return syscall(SYS_epoll_pwait2, c->extra, &e, 1, &ts, NULL, 8) < 0 ? -1 : 0;
}
static long epoll_time(struct ctx *c)
{
    struct epoll_event e;
    return epoll_wait(c->extra, &e, 1, 400) < 0 ? -1 : 0;
}

#endif
