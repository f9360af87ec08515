/* guest-test: flags=-pthread */
/* Messages: what is checked and in which order, descriptors that do not fit, many at once, broken
 * pipes, timeouts and what a signal does to a call that waits. */
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>

#include "guest.h"

#define MAX_FDS 254 /* one more than Linux sends */

union control {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(MAX_FDS * sizeof(int))];
};

static struct sockaddr_in loopback(void)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    return in;
}

/* A bound UDP socket; *in is its address. */
static int udp(struct sockaddr_in *in)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    socklen_t len = sizeof *in;
    *in = loopback();
    OK(bind(fd, (void *)in, sizeof *in));
    OK(getsockname(fd, (void *)in, &len));
    return fd;
}

static int listener(struct sockaddr_in *in)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    socklen_t len = sizeof *in;
    *in = loopback();
    OK(bind(fd, (void *)in, sizeof *in));
    OK(getsockname(fd, (void *)in, &len));
    OK(listen(fd, 8));
    return fd;
}

static void checks(void)
{
    int pair[2], pipes[2], in = socket(AF_INET, SOCK_DGRAM, 0);
    char byte = 'c';
    struct iovec iov = {&byte, 1}, many[1025];
    struct sockaddr_in addr = loopback();
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
    socklen_t len;

    OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
    OK(pipe(pipes));
    ERR(sendmsg(-1, (void *)8, 0), EBADF);
    ERR(sendmsg(pipes[1], (void *)8, 0), ENOTSOCK);
    ERR(recvmsg(pipes[1], (void *)8, 0), ENOTSOCK);
    ERR(sendmsg(pair[0], (void *)8, 0), EFAULT);
    ERR(recvmsg(pair[0], (void *)8, MSG_DONTWAIT), EFAULT);
    ERR(recvmsg(pair[0], &m, MSG_DONTWAIT), EAGAIN);
    ERR(sendmsg(pair[0], &m, (int)0x80000000), EINVAL); /* MSG_CMSG_COMPAT */
    ERR(recvmsg(pair[0], &m, (int)0x80000000), EINVAL);
    m.msg_name = &addr;
    m.msg_namelen = (socklen_t)-1;
    ERR(sendmsg(in, &m, 0), EINVAL);
    ERR(recvmsg(in, &m, MSG_DONTWAIT), EINVAL);
    m.msg_name = NULL; /* then its length is nothing */
    EQ(sendmsg(pair[0], &m, 0), 1);
    EQ(recvmsg(pair[1], &m, 0), 1);
    m.msg_name = (void *)8;
    m.msg_namelen = 16;
    ERR(sendmsg(in, &m, 0), EFAULT);
    m.msg_namelen = 0;
    ERR(sendmsg(in, &m, 0), EDESTADDRREQ);
    m.msg_name = NULL;
    for (int i = 0; i < 1025; i++)
        many[i] = (struct iovec){&byte, 0};
    m.msg_iov = many;
    m.msg_iovlen = 1025;
    ERR(sendmsg(pair[0], &m, 0), EMSGSIZE);
    ERR(recvmsg(pair[0], &m, MSG_DONTWAIT), EMSGSIZE);
    m.msg_iovlen = 1024;
    many[1023].iov_len = 1;
    EQ(sendmsg(pair[0], &m, 0), 1);
    EQ(recvmsg(pair[1], &m, 0), 1);
    m.msg_iovlen = 1;
    m.msg_iov = (void *)8;
    ERR(sendmsg(pair[0], &m, 0), EFAULT);
    ERR(sendto(pair[0], (void *)8, 1, 0, NULL, 0), EFAULT);
    ERR(sendto(-1, &byte, 1, 0, NULL, 0), EBADF);
    ERR(sendto(pipes[1], &byte, 1, 0, (void *)8, 16), ENOTSOCK);
    ERR(sendto(in, &byte, 1, 0, (void *)8, 16), EFAULT);
    ERR(sendto(in, &byte, 1, 0, (void *)&addr, 200), EINVAL);
    ERR(recvfrom(pipes[0], &byte, 1, 0, NULL, NULL), ENOTSOCK);
    ERR(send(pipes[1], &byte, 1, 0), ENOTSOCK);
    EQ(send(pair[0], &byte, 1, MSG_CONFIRM | MSG_DONTROUTE | 0x2000000), 1); /* unknown: ignored */
    ERR(recvfrom(pair[1], &byte, 1, 0, (void *)&addr, (void *)8), EFAULT);
    /* Names: the length alone may be asked for, and the room may be nothing. */
    len = 0;
    OK(getsockname(in, NULL, &len));
    EQ(len, 16);
    ERR(getsockname(in, NULL, &len), EFAULT);
    ERR(getsockname(in, (void *)&addr, NULL), EFAULT);
    len = (socklen_t)-1;
    ERR(getsockname(in, (void *)&addr, &len), EINVAL);
    ERR(getpeername(in, (void *)8, &len), ENOTCONN);
    ERR(getsockname(pipes[0], (void *)&addr, &len), ENOTSOCK);
    ERR(accept4(pipes[0], NULL, NULL, 1), EINVAL);
    ERR(accept4(pipes[0], NULL, NULL, 0), ENOTSOCK);
    ERR(accept4(-1, NULL, NULL, 1), EBADF);
    ERR(accept(pair[0], NULL, NULL), EOPNOTSUPP);
    ERR(listen(pair[0], 1), EOPNOTSUPP);
    for (int i = 0; i < 2; i++) {
        close(pair[i]);
        close(pipes[i]);
    }
    close(in);
}

/* The header need not be aligned. */
static void unaligned(void)
{
    int pair[2];
    char buf[4] = "abc", room[sizeof(struct msghdr) + 1];
    struct iovec iov = {buf, 3};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
    OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
    memcpy(room + 1, &m, sizeof m);
    EQ(syscall(SYS_sendmsg, pair[0], room + 1, 0), 3);
    iov.iov_len = 2;
    EQ(syscall(SYS_recvmsg, pair[1], room + 1, 0), 2);
    memcpy(&m, room + 1, sizeof m);
    EQ(m.msg_flags, MSG_TRUNC);
    close(pair[0]);
    close(pair[1]);
}

static struct msghdr with_control(union control *control, struct iovec *iov, int level, int type,
                                  const void *data, size_t size)
{
    struct msghdr m = {.msg_iov = iov,
                       .msg_iovlen = 1,
                       .msg_control = control,
                       .msg_controllen = CMSG_SPACE(size)};
    memset(control, 0, sizeof *control);
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    *c = (struct cmsghdr){.cmsg_len = CMSG_LEN(size), .cmsg_level = level, .cmsg_type = type};
    memcpy(CMSG_DATA(c), data, size);
    return m;
}

static void control_checks(void)
{
    union control control;
    int pair[2], fds[MAX_FDS] = {0}, bad = -1;
    char byte = 'c';
    struct iovec iov = {&byte, 1};
    struct ucred cred = {getpid(), getuid(), getgid()};
    struct sockaddr_in addr;
    OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
    struct msghdr m = with_control(&control, &iov, SOL_SOCKET, SCM_RIGHTS, &bad, 4);
    ERR(sendmsg(pair[0], &m, 0), EBADF);
    control.align.cmsg_len = CMSG_LEN(0); /* nothing to send */
    EQ(sendmsg(pair[0], &m, 0), 1);
    control.align.cmsg_len = CMSG_LEN(3);
    EQ(sendmsg(pair[0], &m, 0), 1);
    control.align.cmsg_len = CMSG_LEN(0) - 1;
    ERR(sendmsg(pair[0], &m, 0), EINVAL);
    control.align.cmsg_len = 0;
    ERR(sendmsg(pair[0], &m, 0), EINVAL);
    control.align.cmsg_len = m.msg_controllen + 1;
    ERR(sendmsg(pair[0], &m, 0), EINVAL);
    control.align.cmsg_len = (size_t)-8;
    ERR(sendmsg(pair[0], &m, 0), EINVAL);
    control.align.cmsg_len = m.msg_controllen; /* the padding is another descriptor, 0 */
    ERR(sendmsg(pair[0], &m, 0), EBADF);
    m.msg_controllen = 15; /* no header fits */
    EQ(sendmsg(pair[0], &m, 0), 1);
    m = with_control(&control, &iov, SOL_SOCKET, SCM_RIGHTS, fds, sizeof fds);
    ERR(sendmsg(pair[0], &m, 0), EINVAL);
    fds[3] = -1;
    m = with_control(&control, &iov, SOL_SOCKET, SCM_RIGHTS, fds, sizeof fds);
    ERR(sendmsg(pair[0], &m, 0), EINVAL); /* too many, before what they are */
    m = with_control(&control, &iov, SOL_SOCKET, SCM_CREDENTIALS, &cred, sizeof cred);
    EQ(sendmsg(pair[0], &m, 0), 1);
    control.align.cmsg_len--;
    ERR(sendmsg(pair[0], &m, 0), EINVAL);
    cred.uid = (uid_t)-1;
    m = with_control(&control, &iov, SOL_SOCKET, SCM_CREDENTIALS, &cred, sizeof cred);
    ERR(sendmsg(pair[0], &m, 0), EINVAL);
    cred = (struct ucred){4194303, getuid(), getgid()}; /* root may, but there is no such process */
    m = with_control(&control, &iov, SOL_SOCKET, SCM_CREDENTIALS, &cred, sizeof cred);
    ERR(sendmsg(pair[0], &m, 0), ESRCH);
    m = with_control(&control, &iov, SOL_SOCKET, 99, &cred, 4);
    ERR(sendmsg(pair[0], &m, 0), EINVAL);
    m = with_control(&control, &iov, SOL_IP, 99, &cred, 4); /* not for this socket */
    EQ(sendmsg(pair[0], &m, 0), 1);
    m.msg_control = (void *)8;
    ERR(sendmsg(pair[0], &m, 0), EFAULT);
    m.msg_controllen = (size_t)1 << 31;
    ERR(sendmsg(pair[0], &m, 0), ENOBUFS);
    m.msg_controllen = 1 << 20; /* net.core.optmem_max */
    ERR(sendmsg(pair[0], &m, 0), ENOBUFS);
    m.msg_controllen = (size_t)-1;
    ERR(sendmsg(pair[0], &m, 0), ENOBUFS);
    /* Other sockets ignore descriptors and credentials. */
    int in = udp(&addr);
    m = with_control(&control, &iov, SOL_SOCKET, SCM_RIGHTS, &bad, 4);
    m.msg_name = &addr;
    m.msg_namelen = sizeof addr;
    EQ(sendmsg(in, &m, 0), 1);
    m = with_control(&control, &iov, SOL_SOCKET, 99, &bad, 4);
    m.msg_name = &addr;
    m.msg_namelen = sizeof addr;
    ERR(sendmsg(in, &m, 0), EINVAL);
    close(in);
    close(pair[0]);
    close(pair[1]);
}

/* Send n descriptors of the same file. */
static void send_fds(int to, int n)
{
    union control control;
    int fds[MAX_FDS];
    char byte = 'f';
    struct iovec iov = {&byte, 1};
    for (int i = 0; i < n; i++)
        fds[i] = 0;
    struct msghdr m = with_control(&control, &iov, SOL_SOCKET, SCM_RIGHTS, fds, (size_t)n * 4);
    EQ(sendmsg(to, &m, 0), 1);
}

/* Receive with room bytes for control messages: number of descriptors, which are closed. */
static int receive_fds(int from, size_t room, int flags, int *msg_flags, size_t *controllen)
{
    union control control;
    char byte;
    struct iovec iov = {&byte, 1};
    struct msghdr m = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = room};
    int n = 0;
    memset(&control, 0, sizeof control);
    EQ(recvmsg(from, &m, flags), 1);
    *msg_flags = m.msg_flags;
    *controllen = m.msg_controllen;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
        EQ(c->cmsg_type, SCM_RIGHTS);
        int count = (int)((c->cmsg_len - CMSG_LEN(0)) / 4), fd;
        for (int i = 0; i < count; i++) {
            memcpy(&fd, CMSG_DATA(c) + i * 4, 4);
            if (fcntl(fd, F_GETFD) < 0 || fd < 3)
                FAIL("descriptor %d was not received", fd);
            if (flags & MSG_CMSG_CLOEXEC)
                EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
            close(fd);
        }
        n += count;
    }
    return n;
}

static int lowest_free(void)
{
    int fd = dup(0);
    close(fd);
    return fd;
}

static void descriptors(void)
{
    int pair[2], flags, lowest;
    size_t len;
    OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
    lowest = lowest_free();
    send_fds(pair[0], MAX_FDS - 1);
    EQ(receive_fds(pair[1], sizeof(union control), MSG_CMSG_CLOEXEC, &flags, &len), MAX_FDS - 1);
    EQ(flags, MSG_CMSG_CLOEXEC);
    EQ(len, CMSG_SPACE((MAX_FDS - 1) * 4));
    /* A look at the message makes descriptors too. */
    send_fds(pair[0], 1);
    EQ(receive_fds(pair[1], 64, MSG_PEEK, &flags, &len), 1);
    EQ(receive_fds(pair[1], 64, 0, &flags, &len), 1);
    EQ(flags, 0);
    EQ(len, CMSG_SPACE(4));
    /* Too little room: as many as fit, nothing leaks. */
    send_fds(pair[0], 3);
    EQ(receive_fds(pair[1], CMSG_LEN(8), 0, &flags, &len), 2);
    EQ(flags, MSG_CTRUNC);
    EQ(len, CMSG_LEN(8));
    send_fds(pair[0], 3);
    EQ(receive_fds(pair[1], CMSG_LEN(4), 0, &flags, &len), 1);
    EQ(len, CMSG_LEN(4));
    send_fds(pair[0], 3);
    EQ(receive_fds(pair[1], CMSG_LEN(3), 0, &flags, &len), 0);
    EQ(flags, MSG_CTRUNC);
    EQ(len, 0);
    send_fds(pair[0], 3);
    EQ(receive_fds(pair[1], 0, 0, &flags, &len), 0);
    EQ(flags, MSG_CTRUNC);
    EQ(lowest_free(), lowest);
    /* Too few numbers. */
    struct rlimit old, few;
    OK(getrlimit(RLIMIT_NOFILE, &old));
    few = (struct rlimit){(rlim_t)lowest + 2, old.rlim_max};
    OK(setrlimit(RLIMIT_NOFILE, &few));
    send_fds(pair[0], 5);
    EQ(receive_fds(pair[1], 64, 0, &flags, &len), 2);
    EQ(flags, MSG_CTRUNC);
    EQ(len, CMSG_SPACE(8));
    few.rlim_cur = (rlim_t)lowest;
    OK(setrlimit(RLIMIT_NOFILE, &few));
    send_fds(pair[0], 1);
    EQ(receive_fds(pair[1], 64, 0, &flags, &len), 0);
    EQ(flags, MSG_CTRUNC);
    EQ(len, 0);
    ERR(socket(AF_UNIX, SOCK_STREAM, 0), EMFILE);
    ERR(socketpair(AF_UNIX, SOCK_STREAM, 0, (int[2]){0}), EMFILE);
    OK(setrlimit(RLIMIT_NOFILE, &old));
    EQ(lowest_free(), lowest);
    /* Nowhere to write them: the message is received without them. */
    char byte;
    struct iovec iov = {&byte, 1};
    struct msghdr m = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = (void *)8, .msg_controllen = 64};
    send_fds(pair[0], 2);
    EQ(recvmsg(pair[1], &m, 0), 1);
    EQ(m.msg_flags, MSG_CTRUNC);
    EQ(m.msg_controllen, 0);
    EQ(lowest_free(), lowest);
    /* read() takes the bytes and leaves the descriptors. */
    send_fds(pair[0], 2);
    EQ(read(pair[1], &byte, 1), 1);
    EQ(lowest_free(), lowest);
    close(pair[0]);
    close(pair[1]);
}

static void credentials(void)
{
    int pair[2], one = 1, zero = 0;
    union control control;
    char byte = 'u';
    struct iovec iov = {&byte, 1};
    struct ucred cred;
    OK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    OK(setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &one, sizeof one));
    EQ(write(pair[0], "w", 1), 1); /* by itself */
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = &control,
                       .msg_controllen = sizeof control};
    EQ(recvmsg(pair[1], &m, 0), 1);
    EQ(m.msg_controllen, CMSG_SPACE(sizeof cred));
    EQ(control.align.cmsg_type, SCM_CREDENTIALS);
    memcpy(&cred, CMSG_DATA(&control.align), sizeof cred);
    EQ(cred.pid, getpid());
    EQ(cred.uid, getuid());
    EQ(cred.gid, getgid());
    /* Cut to what fits. */
    EQ(write(pair[0], "w", 1), 1);
    m.msg_controllen = CMSG_LEN(4);
    EQ(recvmsg(pair[1], &m, 0), 1);
    EQ(m.msg_flags, MSG_CTRUNC);
    EQ(m.msg_controllen, CMSG_LEN(4));
    memcpy(&cred, CMSG_DATA(&control.align), 4);
    EQ(cred.pid, getpid());
    OK(setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &zero, sizeof zero));
    EQ(write(pair[0], "w", 1), 1);
    m.msg_controllen = sizeof control;
    EQ(recvmsg(pair[1], &m, 0), 1);
    EQ(m.msg_controllen, 0);
    close(pair[0]);
    close(pair[1]);
}

static void many(void)
{
    struct sockaddr_in addr;
    int in = udp(&addr), out = socket(AF_INET, SOCK_DGRAM, 0);
    char buf[4][8];
    struct iovec iov[4];
    struct mmsghdr m[4] = {0};
    struct timespec timeout = {0, 1000000000};
    for (int i = 0; i < 4; i++) {
        iov[i] = (struct iovec){buf[i], 8};
        m[i].msg_hdr = (struct msghdr){.msg_iov = &iov[i], .msg_iovlen = 1};
    }
    OK(connect(out, (void *)&addr, sizeof addr));
    EQ(sendmmsg(out, m, 0, 0), 0);
    EQ(recvmmsg(in, m, 0, 0, NULL), 0);
    ERR(sendmmsg(-1, m, 0, 0), EBADF);
    ERR(sendmmsg(STDIN_FILENO, m, 0, 0), ENOTSOCK);
    ERR(recvmmsg(STDIN_FILENO, m, 0, 0, NULL), ENOTSOCK);
    ERR(sendmmsg(out, m, 1, (int)0x80000000), EINVAL);
    ERR(recvmmsg(in, m, 1, (int)0x80000000, NULL), EINVAL);
    ERR(recvmmsg(in, m, 1, 0, &timeout), EINVAL);
    ERR(recvmmsg(-1, m, 1, 0, &timeout), EINVAL); /* the time first */
    ERR(recvmmsg(-1, m, 1, 0, (void *)8), EFAULT);
    timeout = (struct timespec){0, 0};
    ERR(recvmmsg(-1, m, 1, 0, &timeout), EBADF);
    ERR(recvmmsg(in, m, 4, MSG_DONTWAIT, NULL), EAGAIN);
    ERR(sendmmsg(out, (void *)8, 1, 0), EFAULT);
    /* What was sent counts, then the error is told. */
    m[2].msg_hdr.msg_iov = (void *)8;
    EQ(sendmmsg(out, m, 4, 0), 2);
    EQ(m[1].msg_len, 8);
    ERR(sendmmsg(out, m + 2, 1, 0), EFAULT);
    m[2].msg_hdr.msg_iov = &iov[2];
    EQ(recvmmsg(in, m, 4, MSG_DONTWAIT, NULL), 2);
    EQ(sendmmsg(out, m, 3, 0), 3);
    EQ(recvmmsg(in, m, 4, MSG_WAITFORONE, NULL), 3);
    EQ(sendmmsg(out, m, 3, 0), 3);
    timeout = (struct timespec){0, 0}; /* over after the first */
    EQ(recvmmsg(in, m, 4, 0, &timeout), 1);
    timeout = (struct timespec){100, 5};
    EQ(recvmmsg(in, m, 2, 0, &timeout), 2);
    CHECK(timeout.tv_sec == 99 || (timeout.tv_sec == 100 && timeout.tv_nsec <= 5));
    timeout = (struct timespec){100, 5};
    ERR(recvmmsg(in, m, 2, MSG_DONTWAIT, &timeout), EAGAIN);
    EQ(timeout.tv_nsec, 5); /* left alone */
    close(in);
    close(out);
}

/* ---- signals ---- */

static volatile sig_atomic_t caught, write_to;
static pthread_t caught_by;

static void handler(int sig)
{
    caught++;
    caught_by = pthread_self();
    if (write_to > 0 && caught == 2)
        (void)!write(write_to, "s", 1);
    (void)sig;
}

static void catch (int sig, int flags)
{
    struct sigaction act = {.sa_handler = handler, .sa_flags = flags};
    OK(sigaction(sig, &act, NULL));
    caught = 0;
}

static void *write_broken(void *arg)
{
    ERR(send(*(int *)arg, "x", 1, MSG_NOSIGNAL), EPIPE);
    EQ(caught, 0);
    ERR(send(*(int *)arg, "x", 1, 0), EPIPE);
    EQ(caught, 1);
    CHECK(pthread_equal(caught_by, pthread_self()));
    ERR(write(*(int *)arg, "x", 1), EPIPE);
    EQ(caught, 2);
    struct iovec iov = {"x", 1};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
    ERR(sendmsg(*(int *)arg, &m, 0), EPIPE);
    EQ(caught, 3);
    return NULL;
}

static void broken_pipe(void)
{
    struct sockaddr any = {.sa_family = AF_UNIX};
    struct msghdr named = {.msg_name = &any, .msg_namelen = sizeof any};
    int pair[2];
    pthread_t thread;
    write_to = 0;
    catch (SIGPIPE, 0);
    OK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    ERR(sendto(pair[0], "x", 1, 0, (void *)&any, sizeof any), EISCONN); /* whatever the name */
    ERR(sendmsg(pair[0], &named, 0), EISCONN);
    close(pair[1]);
    ERR(sendto(pair[0], "x", 1, 0, (void *)&any, sizeof any), EISCONN);
    EQ(caught, 0);
    pthread_create(&thread, NULL, write_broken, &pair[0]);
    pthread_join(thread, NULL);
    close(pair[0]);
    /* Datagrams break no pipe. */
    caught = 0;
    OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
    close(pair[1]);
    ERR(send(pair[0], "x", 1, 0), ECONNREFUSED);
    EQ(caught, 0);
    close(pair[0]);
    struct sockaddr_in in;
    int fd = listener(&in), to = socket(AF_INET, SOCK_STREAM, 0);
    ERR(send(to, "x", 1, 0), EPIPE);
    EQ(caught, 1);
    OK(connect(to, (void *)&in, sizeof in));
    OK(shutdown(to, SHUT_WR));
    ERR(send(to, "x", 1, 0), EPIPE);
    EQ(caught, 2);
    signal(SIGPIPE, SIG_IGN);
    ERR(send(to, "x", 1, 0), EPIPE);
    close(to);
    close(fd);
}

/* SIGALRM every 30 ms, until stopped. */
static void alarms(bool on)
{
    struct itimerval it = {{0, on ? 30000 : 0}, {0, on ? 30000 : 0}};
    OK(setitimer(ITIMER_REAL, &it, NULL));
    caught = 0;
}

static void set_timeout(int fd, int option, int ms)
{
    struct timeval tv = {ms / 1000, ms % 1000 * 1000}, got;
    socklen_t len = sizeof got;
    OK(setsockopt(fd, SOL_SOCKET, option, &tv, sizeof tv));
    OK(getsockopt(fd, SOL_SOCKET, option, &got, &len));
    EQ(got.tv_sec, tv.tv_sec);
    CHECK(got.tv_usec / 1000 >= tv.tv_usec / 1000);
}

static void fill(int fd)
{
    char junk[4096] = {0};
    while (send(fd, junk, sizeof junk, MSG_DONTWAIT) > 0)
        ;
    EQ(errno, EAGAIN);
}

static void receive_interrupted(int type)
{
    int pair[2];
    char buf[4];
    OK(socketpair(AF_UNIX, type, 0, pair));
    catch (SIGALRM, 0);
    alarms(true);
    ERR(recv(pair[0], buf, 1, 0), EINTR);
    EQ(caught, 1);
    catch (SIGALRM, SA_RESTART);
    write_to = pair[1];
    EQ(recv(pair[0], buf, 1, 0), 1); /* restarted, until the handler writes */
    CHECK(caught >= 2);
    write_to = 0;
    set_timeout(pair[0], SO_RCVTIMEO, 20000);
    caught = 0;
    ERR(recv(pair[0], buf, 1, 0), EINTR); /* a timeout cannot be restarted */
    EQ(caught, 1);
    ERR(recvfrom(pair[0], buf, 1, 0, NULL, NULL), EINTR);
    ERR(read(pair[0], buf, 1), EINTR);
    struct iovec iov = {buf, 1};
    struct mmsghdr m = {.msg_hdr = {.msg_iov = &iov, .msg_iovlen = 1}};
    ERR(recvmsg(pair[0], &m.msg_hdr, 0), EINTR);
    ERR(recvmmsg(pair[0], &m, 1, 0, NULL), EINTR);
    alarms(false);
    close(pair[0]);
    close(pair[1]);
}

static void send_interrupted(void)
{
    int pair[2];
    struct iovec iov = {"x", 1};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
    OK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    fill(pair[0]);
    catch (SIGALRM, 0);
    alarms(true);
    ERR(send(pair[0], "x", 1, 0), EINTR);
    catch (SIGALRM, SA_RESTART);
    set_timeout(pair[0], SO_SNDTIMEO, 20000);
    ERR(send(pair[0], "x", 1, 0), EINTR);
    EQ(caught, 1);
    ERR(sendmsg(pair[0], &m, 0), EINTR);
    alarms(false);
    set_timeout(pair[0], SO_SNDTIMEO, 30);
    ERR(send(pair[0], "x", 1, 0), EAGAIN);
    ERR(sendmsg(pair[0], &m, 0), EAGAIN);
    set_timeout(pair[0], SO_SNDTIMEO, 0);
    ERR(sendmsg(pair[0], &m, MSG_DONTWAIT), EAGAIN);
    close(pair[0]);
    close(pair[1]);
}

static void accept_interrupted(void)
{
    struct sockaddr_in in;
    int fd = listener(&in);
    catch (SIGALRM, 0);
    alarms(true);
    ERR(accept(fd, NULL, NULL), EINTR);
    ERR(accept4(fd, NULL, NULL, 0), EINTR);
    catch (SIGALRM, SA_RESTART);
    set_timeout(fd, SO_RCVTIMEO, 20000);
    ERR(accept(fd, NULL, NULL), EINTR);
    ERR(accept4(fd, NULL, NULL, 0), EINTR);
    alarms(false);
    set_timeout(fd, SO_RCVTIMEO, 30);
    ERR(accept(fd, NULL, NULL), EAGAIN);
    /* No number: the connection waits for one. */
    struct rlimit old, few;
    int to = socket(AF_INET, SOCK_STREAM, 0), conn;
    OK(connect(to, (void *)&in, sizeof in));
    OK(getrlimit(RLIMIT_NOFILE, &old));
    few = (struct rlimit){(rlim_t)lowest_free(), old.rlim_max};
    OK(setrlimit(RLIMIT_NOFILE, &few));
    ERR(accept(fd, NULL, NULL), EMFILE);
    OK(setrlimit(RLIMIT_NOFILE, &old));
    OK(conn = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK));
    EQ(fcntl(conn, F_GETFD), FD_CLOEXEC);
    EQ(fcntl(conn, F_GETFL), O_RDWR | O_NONBLOCK);
    EQ(send(to, "x", 1, 0), 1);
    close(conn);
    close(to);
    close(fd);
}

/* A listener whose queue is full makes connect wait. */
static void connect_interrupted(void)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "\0full"};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0), first = socket(AF_UNIX, SOCK_STREAM, 0);
    int second = socket(AF_UNIX, SOCK_STREAM, 0);
    OK(bind(fd, (void *)&un, 7));
    OK(listen(fd, 0));
    OK(connect(first, (void *)&un, 7));
    OK(fcntl(second, F_SETFL, O_NONBLOCK));
    ERR(connect(second, (void *)&un, 7), EAGAIN);
    OK(fcntl(second, F_SETFL, 0));
    set_timeout(second, SO_SNDTIMEO, 30);
    ERR(connect(second, (void *)&un, 7), EAGAIN);
    catch (SIGALRM, SA_RESTART);
    alarms(true);
    set_timeout(second, SO_SNDTIMEO, 20000);
    ERR(connect(second, (void *)&un, 7), EINTR);
    catch (SIGALRM, 0);
    set_timeout(second, SO_SNDTIMEO, 0);
    ERR(connect(second, (void *)&un, 7), EINTR);
    alarms(false);
    close(second);
    close(first);
    close(fd);
}

int main(void)
{
    checks();
    unaligned();
    control_checks();
    descriptors();
    credentials();
    many();
    broken_pipe();
    receive_interrupted(SOCK_STREAM);
    receive_interrupted(SOCK_DGRAM);
    send_interrupted();
    accept_interrupted();
    connect_interrupted();
    return done();
}
