/* TCP and UDP: addresses that are not here, ports that are taken, connections that do not come
 * about or break, datagrams that cannot be sent. */
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "guest.h"

#define BAD ((void *)8)

/* 127.255.255.255 is the broadcast address that every host has. */
#define LO_BROADCAST 0x7fffffff

static struct sockaddr_in address(uint32_t host, int port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(host)};
}

static int bind_to(int fd, const struct sockaddr_in *in)
{
    return bind(fd, (const void *)in, sizeof *in);
}

static int connect_to(int fd, const struct sockaddr_in *in)
{
    return connect(fd, (const void *)in, sizeof *in);
}

/* A socket with a port of its own, which others may share. */
static int bound(int type, struct sockaddr_in *in)
{
    int fd = socket(AF_INET, type, 0), one = 1;
    socklen_t len = sizeof *in;
    *in = address(INADDR_LOOPBACK, 0);
    OK(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one));
    OK(bind_to(fd, in));
    OK(getsockname(fd, (void *)in, &len));
    return fd;
}

static int sharing(const struct sockaddr_in *in)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    OK(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one));
    OK(bind_to(fd, in));
    return fd;
}

static void binding(int type)
{
    struct sockaddr_in in, elsewhere = address(0xc0000201 /* 192.0.2.1 */, 0);
    int fd = bound(type, &in), other = socket(AF_INET, type, 0);
    ERR(bind_to(other, &in), EADDRINUSE);
    ERR(bind_to(other, &elsewhere), EADDRNOTAVAIL);
    ERR(bind(other, (void *)&in, sizeof in - 1), EINVAL);
    ERR(bind(other, (void *)&in, 129), EINVAL);
    ERR(bind(other, BAD, sizeof in), EFAULT);
    in.sin_family = AF_UNIX;
    ERR(bind_to(other, &in), EAFNOSUPPORT);
    ERR(bind(other, (void *)&in, 2), EINVAL);
    in.sin_family = AF_UNSPEC; /* as AF_INET, for any address only */
    ERR(bind_to(other, &in), EAFNOSUPPORT);
    in = address(INADDR_ANY, 0);
    in.sin_family = AF_UNSPEC;
    OK(bind_to(other, &in));
    ERR(bind_to(other, &elsewhere), EADDRNOTAVAIL); /* before that it has a name */
    elsewhere = address(INADDR_LOOPBACK, 0);
    ERR(bind_to(other, &elsewhere), EINVAL);
    close(fd);
    close(other);
}

static void listening(void)
{
    struct sockaddr_in in;
    struct msghdr none = {0};
    int n, a = bound(SOCK_STREAM, &in), b = sharing(&in), to = socket(AF_INET, SOCK_STREAM, 0);
    OK(listen(a, 1));
    ERR(listen(b, 1), EADDRINUSE);
    OK(listen(a, 5)); /* once more is nothing but another backlog */
    ERR(ioctl(a, FIONREAD, &n), EINVAL);
    ERR(connect_to(a, &in), EISCONN);
    ERR(send(a, "x", 1, MSG_NOSIGNAL), EPIPE);
    ERR(recv(a, &n, 1, 0), ENOTCONN);
    ERR(recvmsg(a, &none, 0), ENOTCONN);
    OK(connect_to(to, &in));
    ERR(connect_to(to, &in), EISCONN);
    ERR(listen(to, 1), EINVAL);
    ERR(accept(to, NULL, NULL), EINVAL);
    ERR(accept4(to, NULL, NULL, 0), EINVAL);
    ERR(recv(to, &n, 1, MSG_OOB), EINVAL); /* nothing urgent came */
    close(to);
    to = socket(AF_INET, SOCK_DGRAM, 0);
    ERR(listen(to, 1), EOPNOTSUPP);
    ERR(accept4(to, NULL, NULL, 0), EOPNOTSUPP);
    close(to);
    close(a);
    close(b);
}

/* The connection is taken, and lost. */
static void accepting(void)
{
    struct sockaddr_in in, peer;
    int fd = bound(SOCK_STREAM, &in), to[4];
    char byte;
    socklen_t len = sizeof peer;
    OK(listen(fd, 4));
    OK(fcntl(fd, F_SETFL, O_NONBLOCK));
    ERR(accept(fd, BAD, BAD), EAGAIN);
    ERR(accept4(fd, BAD, BAD, 0), EAGAIN);
    for (int i = 0; i < 4; i++) {
        to[i] = socket(AF_INET, SOCK_STREAM, 0);
        OK(connect_to(to[i], &in));
    }
    ERR(accept(fd, BAD, &len), EFAULT);
    ERR(accept4(fd, (void *)&peer, NULL, 0), EFAULT);
    len = (socklen_t)-1;
    ERR(accept4(fd, (void *)&peer, &len, 0), EINVAL);
    len = 0;
    int conn = accept4(fd, BAD, &len, 0);
    CHECK(conn >= 0);
    EQ(len, sizeof peer);
    ERR(accept4(fd, NULL, NULL, 0), EAGAIN);
    for (int i = 0; i < 3; i++)
        EQ(recv(to[i], &byte, 1, 0), 0);
    ERR(recv(to[3], &byte, 1, MSG_DONTWAIT), EAGAIN);
    len = (socklen_t)-1;
    ERR(getpeername(conn, (void *)&peer, &len), EINVAL);
    ERR(getpeername(conn, (void *)&peer, BAD), EFAULT);
    for (int i = 0; i < 4; i++)
        close(to[i]);
    close(conn);
    close(fd);
}

static void connecting(void)
{
    struct sockaddr_in in, mine, to = address(LO_BROADCAST, 80);
    int server = bound(SOCK_STREAM, &in), fd = socket(AF_INET, SOCK_STREAM, 0);
    OK(listen(server, 4));
    ERR(connect_to(fd, &to), ENETUNREACH);
    ERR(connect(fd, (void *)&in, 1), EINVAL);
    ERR(connect(fd, (void *)&in, sizeof in - 1), EINVAL);
    ERR(connect(fd, (void *)&in, 129), EINVAL);
    in.sin_family = AF_UNIX;
    ERR(connect_to(fd, &in), EAFNOSUPPORT);
    in.sin_family = AF_UNSPEC;
    OK(connect_to(fd, &in)); /* to nothing */
    in.sin_family = AF_INET;
    ERR(shutdown(fd, SHUT_RDWR), ENOTCONN);
    ERR(shutdown(fd, 3), EINVAL);
    OK(connect_to(fd, &in));
    close(fd);
    /* The same two ports again. */
    int a = bound(SOCK_STREAM, &mine), b = sharing(&mine);
    OK(connect_to(a, &in));
    ERR(connect_to(b, &in), EADDRNOTAVAIL);
    close(a);
    close(b);
    close(server);
    fd = socket(AF_INET, SOCK_DGRAM, 0);
    ERR(connect_to(fd, &to), EACCES);
    close(fd);
}

/* Nobody answers where the queue is full: the connection is under way, until it is given up. */
static void waiting(void)
{
    struct sockaddr_in in, peer;
    socklen_t len = sizeof peer;
    struct iovec iov = {"x", 1};
    struct msghdr m = {.msg_name = &in, .msg_namelen = sizeof in, .msg_iov = &iov, .msg_iovlen = 1};
    int fd = bound(SOCK_STREAM, &in), first = socket(AF_INET, SOCK_STREAM, 0);
    int second = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), limit = 100;
    OK(listen(fd, 0));
    OK(connect_to(first, &in));
    ERR(connect_to(second, &in), EINPROGRESS);
    ERR(connect_to(second, &in), EALREADY);
    ERR(sendto(second, "x", 1, MSG_FASTOPEN, (void *)&in, sizeof in), EALREADY);
    ERR(sendmsg(second, &m, MSG_FASTOPEN), EALREADY);
    ERR(send(second, "x", 1, 0), EAGAIN);
    ERR(recv(second, &limit, 1, 0), EAGAIN);
    ERR(listen(second, 1), EINVAL);
    ERR(getpeername(second, (void *)&peer, &len), ENOTCONN);
    close(second);
    second = socket(AF_INET, SOCK_STREAM, 0);
    struct timeval tv = {0, 20000};
    OK(setsockopt(second, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv));
    ERR(connect_to(second, &in), EINPROGRESS); /* as if it were not to wait */
    ERR(connect_to(second, &in), EALREADY);
    close(second);
    second = socket(AF_INET, SOCK_STREAM, 0);
    OK(setsockopt(second, IPPROTO_TCP, TCP_USER_TIMEOUT, &limit, sizeof limit));
    ERR(connect_to(second, &in), ETIMEDOUT);
    close(second);
    close(first);
    close(fd);
}

/* A connection that its other end has thrown away. */
static int broken(void)
{
    struct sockaddr_in in;
    struct linger at_once = {1, 0};
    int fd = bound(SOCK_STREAM, &in), to = socket(AF_INET, SOCK_STREAM, 0);
    OK(listen(fd, 1));
    OK(connect_to(to, &in));
    int conn = accept(fd, NULL, NULL);
    OK(setsockopt(conn, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once));
    close(conn);
    close(fd);
    return to;
}

static void resetting(void)
{
    char byte = 'x';
    struct iovec iov = {&byte, 1};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
    int fd = broken();
    ERR(sendto(fd, "x", 1, MSG_NOSIGNAL, NULL, 0), ECONNRESET); /* told once */
    ERR(sendto(fd, "x", 1, MSG_NOSIGNAL, NULL, 0), EPIPE);
    EQ(recv(fd, &byte, 1, 0), 0);
    close(fd);
    fd = broken();
    ERR(sendmsg(fd, &m, MSG_NOSIGNAL), ECONNRESET);
    close(fd);
    fd = broken();
    ERR(write(fd, &byte, 1), ECONNRESET);
    close(fd);
    fd = broken();
    ERR(recvmsg(fd, &m, 0), ECONNRESET);
    EQ(recvmsg(fd, &m, 0), 0);
    ERR(shutdown(fd, SHUT_RDWR), ENOTCONN);
    close(fd);
    fd = broken();
    ERR(read(fd, &byte, 1), ECONNRESET);
    close(fd);
}

static void datagrams(void)
{
    static char large[65508];
    struct sockaddr_in in, to = address(LO_BROADCAST, 80), none = address(INADDR_LOOPBACK, 0);
    int gone = bound(SOCK_DGRAM, &in), fd = socket(AF_INET, SOCK_DGRAM, 0), one = 1;
    struct iovec iov = {large, 1};
    struct msghdr m = {.msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &iov, .msg_iovlen = 1};
    ERR(send(fd, "x", 1, 0), EDESTADDRREQ);
    ERR(write(fd, "x", 1), EDESTADDRREQ);
    ERR(sendto(fd, "x", 1, 0, (void *)&to, sizeof to), EACCES);
    ERR(sendmsg(fd, &m, 0), EACCES);
    OK(setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &one, sizeof one));
    EQ(sendmsg(fd, &m, 0), 1);
    ERR(sendto(fd, "x", 1, 0, (void *)&none, sizeof none), EINVAL);
    ERR(sendto(fd, "x", 1, 0, (void *)&in, sizeof in - 1), EINVAL);
    ERR(sendto(fd, large, sizeof large, 0, (void *)&in, sizeof in), EMSGSIZE);
    EQ(sendto(fd, large, sizeof large - 1, 0, (void *)&in, sizeof in), (long)sizeof large - 1);
    ERR(sendto(fd, "x", 1, MSG_OOB, (void *)&in, sizeof in), EOPNOTSUPP);
    ERR(sendmsg(fd, &m, MSG_OOB), EOPNOTSUPP);
    ERR(recv(fd, large, 1, MSG_OOB | MSG_DONTWAIT), EAGAIN);
    to.sin_family = AF_UNIX;
    ERR(sendmsg(fd, &m, 0), EAFNOSUPPORT);
    close(gone);
    OK(connect_to(fd, &in));
    m.msg_namelen = 0;
    EQ(sendmsg(fd, &m, 0), 1);
    ERR(recvmsg(fd, &m, 0), ECONNREFUSED);
    EQ(send(fd, "x", 1, 0), 1);
    ERR(recv(fd, large, 1, 0), ECONNREFUSED);
    EQ(send(fd, "x", 1, 0), 1);
    ERR(send(fd, "x", 1, 0), ECONNREFUSED);
    close(fd);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    binding(SOCK_STREAM);
    binding(SOCK_DGRAM);
    listening();
    accepting();
    connecting();
    waiting();
    resetting();
    datagrams();
    return done();
}
