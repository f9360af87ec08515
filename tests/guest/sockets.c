/* guest-test: flags=-pthread */
/* Sockets: TCP and UDP over loopback, AF_UNIX by path, abstract name and pair, descriptors and
 * credentials sent along, options, what is refused. */
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>

#include "guest.h"

static struct sockaddr_in loopback(int port)
{
    struct sockaddr_in in = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    return in;
}

static void *client(void *arg)
{
    struct sockaddr_in to = *(struct sockaddr_in *)arg;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char buf[16];
    OK(connect(fd, (void *)&to, sizeof to));
    EQ(send(fd, "ping", 4, MSG_NOSIGNAL), 4);
    EQ(recv(fd, buf, sizeof buf, 0), 4);
    CHECK(!memcmp(buf, "pong", 4));
    close(fd);
    return NULL;
}

static void tcp(void)
{
    struct sockaddr_in in = loopback(0), peer;
    socklen_t len = sizeof in;
    char buf[16];
    pthread_t thread;
    int one = 1, got = 0, fd = socket(AF_INET, SOCK_STREAM, 0);
    OK(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one));
    OK(bind(fd, (void *)&in, sizeof in));
    ERR(bind(fd, (void *)&in, sizeof in), EINVAL);
    OK(listen(fd, 4));
    OK(getsockname(fd, (void *)&in, &len));
    EQ(len, sizeof in);
    pthread_create(&thread, NULL, client, &in);
    len = sizeof peer;
    int conn = accept4(fd, (void *)&peer, &len, SOCK_NONBLOCK);
    CHECK(conn >= 0);
    EQ(peer.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    EQ(fcntl(conn, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
    struct pollfd p = {conn, POLLIN, 0};
    EQ(poll(&p, 1, 5000), 1);
    EQ(read(conn, buf, sizeof buf), 4);
    EQ(write(conn, "pong", 4), 4);
    len = sizeof got;
    OK(setsockopt(conn, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one));
    OK(getsockopt(conn, IPPROTO_TCP, TCP_NODELAY, &got, &len));
    EQ(got, 1);
    len = sizeof got;
    OK(getsockopt(fd, SOL_SOCKET, SO_TYPE, &got, &len));
    EQ(got, SOCK_STREAM);
    OK(shutdown(conn, SHUT_RDWR));
    pthread_join(thread, NULL);
    close(conn);
    OK(fcntl(fd, F_SETFL, O_NONBLOCK));
    ERR(accept(fd, NULL, NULL), EAGAIN);
    close(fd);
    fd = socket(AF_INET, SOCK_STREAM, 0);
    in = loopback(1);
    ERR(connect(fd, (void *)&in, sizeof in), ECONNREFUSED);
    close(fd);
}

static void udp(void)
{
    struct sockaddr_in in = loopback(0), from;
    socklen_t len = sizeof in;
    int a = socket(AF_INET, SOCK_DGRAM, 0), b = socket(AF_INET, SOCK_DGRAM, 0);
    OK(bind(a, (void *)&in, sizeof in));
    OK(getsockname(a, (void *)&in, &len));
    struct iovec iov[2] = {{"da", 2}, {"ta", 2}};
    struct mmsghdr out[2] = {0}, back[4] = {0};
    for (int i = 0; i < 2; i++)
        out[i].msg_hdr = (struct msghdr){
            .msg_name = &in, .msg_namelen = sizeof in, .msg_iov = iov, .msg_iovlen = 2};
    EQ(sendmmsg(b, out, 2, 0), 2);
    EQ(out[1].msg_len, 4);
    char buf[4][8];
    struct iovec into[4];
    for (int i = 0; i < 4; i++) {
        into[i] = (struct iovec){buf[i], 8};
        back[i].msg_hdr = (struct msghdr){.msg_iov = &into[i], .msg_iovlen = 1};
    }
    EQ(recvmmsg(a, back, 4, MSG_DONTWAIT, NULL), 2);
    EQ(back[1].msg_len, 4);
    CHECK(!memcmp(buf[1], "data", 4));
    EQ(sendto(b, "longer", 6, 0, (void *)&in, sizeof in), 6);
    len = sizeof from;
    EQ(recvfrom(a, buf[0], 3, MSG_TRUNC, (void *)&from, &len), 6);
    EQ(len, sizeof from);
    struct timeval tv = {0, 50000};
    OK(setsockopt(a, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv));
    ERR(recv(a, buf[0], 8, 0), EAGAIN);
    close(a);
    close(b);
}

static struct sockaddr_un unix_name(const char *path, socklen_t *len)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    size_t n = path[0] == '@' ? strlen(path) : strlen(path) + 1;
    memcpy(un.sun_path, path, n);
    if (path[0] == '@')
        un.sun_path[0] = '\0';
    *len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
    return un;
}

/* Bind, connect, and what each side is told of names. */
static void unix_stream(const char *name, const char *other)
{
    socklen_t len, told;
    struct sockaddr_un un = unix_name(name, &len), got;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0), to = socket(AF_UNIX, SOCK_STREAM, 0);
    OK(bind(fd, (void *)&un, len));
    ERR(connect(to, (void *)&un, len), ECONNREFUSED);
    OK(listen(fd, 4));
    told = sizeof got;
    OK(getsockname(fd, (void *)&got, &told));
    EQ(told, len);
    CHECK(!memcmp(got.sun_path, un.sun_path, len - 2));
    int twice = socket(AF_UNIX, SOCK_STREAM, 0);
    ERR(bind(twice, (void *)&un, len), EADDRINUSE);
    close(twice);
    if (other)
        un = unix_name(other, &len);
    OK(connect(to, (void *)&un, len));
    told = sizeof got;
    int conn = accept(fd, (void *)&got, &told);
    CHECK(conn >= 0);
    EQ(told, 2);
    un = unix_name(name, &len);
    told = sizeof got;
    OK(getpeername(to, (void *)&got, &told));
    EQ(told, len);
    CHECK(!memcmp(got.sun_path, un.sun_path, len - 2));
    struct ucred cred;
    told = sizeof cred;
    OK(getsockopt(conn, SOL_SOCKET, SO_PEERCRED, &cred, &told));
    EQ(cred.pid, getpid());
    EQ(cred.uid, getuid());
    close(conn);
    close(to);
    close(fd);
}

static void unix_path(void)
{
    struct stat st;
    socklen_t len;
    umask(027);
    unix_stream("/tmp/sock", NULL);
    OK(lstat("/tmp/sock", &st));
    CHECK(S_ISSOCK(st.st_mode));
    EQ(st.st_mode & 07777, 0750);
    OK(unlink("/tmp/sock"));
    OK(symlink("real", "/tmp/link"));
    unix_stream("/tmp/real", "/tmp/link");
    OK(unlink("/tmp/real"));
    unix_stream("relative", NULL);
    unix_stream("@abstract", NULL);
    struct sockaddr_un un = unix_name("/tmp/gone", &len);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ERR(connect(fd, (void *)&un, len), ENOENT);
    un = unix_name("/nowhere/x", &len);
    ERR(bind(fd, (void *)&un, len), ENOENT);
    OK(mkdir("/tmp/file", 0700));
    un = unix_name("/tmp/file", &len);
    ERR(connect(fd, (void *)&un, len), ECONNREFUSED);
    /* Nothing of the host's: a link out of the root stays in it. */
    OK(symlink("/../../../run", "/tmp/out"));
    un = unix_name("/tmp/out/systemd/private", &len);
    ERR(connect(fd, (void *)&un, len), ENOENT);
    OK(bind(fd, (void *)&(struct sockaddr_un){.sun_family = AF_UNIX}, 2));
    len = sizeof un;
    OK(getsockname(fd, (void *)&un, &len));
    EQ(len, 8); /* five digits after the NUL */
    close(fd);
    char deep[64];
    memset(deep, 'd', sizeof deep);
    memcpy(deep, "/tmp/", 5);
    deep[63] = '\0';
    unix_stream(deep, NULL);
}

static void pass_descriptor(void)
{
    int pair[2], pipes[2], received = -1;
    char byte = 'b', control[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
    struct iovec iov = {&byte, 1};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control,
                       .msg_controllen = CMSG_SPACE(sizeof(int))};
    OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
    OK(pipe(pipes));
    memset(control, 0, sizeof control);
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    *c = (struct cmsghdr){
        .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(c), &pipes[0], sizeof(int));
    int one = 1;
    OK(setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &one, sizeof one));
    EQ(sendmsg(pair[0], &m, 0), 1);
    m.msg_controllen = sizeof control;
    EQ(recvmsg(pair[1], &m, MSG_CMSG_CLOEXEC), 1);
    int seen = 0;
    for (c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
        if (c->cmsg_type == SCM_RIGHTS) {
            memcpy(&received, CMSG_DATA(c), sizeof(int));
            seen |= 1;
        } else if (c->cmsg_type == SCM_CREDENTIALS) {
            struct ucred u;
            memcpy(&u, CMSG_DATA(c), sizeof u);
            EQ(u.pid, getpid());
            EQ(u.uid, getuid());
            seen |= 2;
        }
    }
    EQ(seen, 3);
    EQ(fcntl(received, F_GETFD), FD_CLOEXEC);
    EQ(write(pipes[1], "w", 1), 1);
    EQ(read(received, &byte, 1), 1);
    EQ(byte, 'w');
    /* A number above all guest descriptors is not one, even if the host has it. */
    m.msg_controllen = CMSG_SPACE(sizeof(int));
    c = CMSG_FIRSTHDR(&m);
    *c = (struct cmsghdr){
        .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    for (int fd = 700; fd < 70000; fd += 1) {
        if (fcntl(fd, F_GETFD) != -1)
            continue;
        memcpy(CMSG_DATA(c), &fd, sizeof fd);
        errno = 0;
        if (sendmsg(pair[0], &m, MSG_DONTWAIT) != -1 || errno != EBADF) {
            FAIL("descriptor %d was sent, errno %d", fd, errno);
            break;
        }
    }
    close(received);
    close(pair[0]);
    close(pair[1]);
}

static void refused(void)
{
    int pipes[2], fd = socket(AF_INET, SOCK_STREAM, 0);
    OK(pipe(pipes));
    OK(setresuid(1000, 1000, 1000)); /* the host's root is not the guest's: it never may */
    ERR(socket(AF_INET, SOCK_RAW, 1), EPERM);
    ERR(socket(AF_INET, SOCK_RAW, 0), EPROTONOSUPPORT);
    ERR(socket(AF_INET, SOCK_PACKET, 0), EPERM);
    ERR(socket(AF_PACKET, SOCK_RAW, 0), EPERM);
    ERR(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP), EPROTONOSUPPORT);
    ERR(socket(AF_INET, SOCK_STREAM, 300), EINVAL);
    ERR(socket(AF_INET, SOCK_SEQPACKET, 0), ESOCKTNOSUPPORT);
    ERR(socket(AF_INET, 0, 0), ESOCKTNOSUPPORT);
    ERR(socket(AF_INET, 11, 0), EINVAL);
    ERR(socket(99, 11, 0), EAFNOSUPPORT);
    ERR(socket(-1, SOCK_STREAM, 0), EAFNOSUPPORT);
    ERR(socket(AF_UNIX, SOCK_STREAM, 5), EPROTONOSUPPORT);
    ERR(socket(AF_UNIX, SOCK_RDM, 0), ESOCKTNOSUPPORT);
    ERR(socketpair(AF_INET, SOCK_STREAM, 0, (int[2]){0}), EOPNOTSUPP);
    ERR(socket(99, SOCK_STREAM, 0), EAFNOSUPPORT);
    ERR(socket(AF_INET, SOCK_STREAM | 0x100, 0), EINVAL);
    ERR(listen(pipes[0], 1), ENOTSOCK);
    ERR(getpeername(fd, (void *)&(struct sockaddr_in){0}, &(socklen_t){16}), ENOTCONN);
    ERR(setsockopt(fd, SOL_IP, 64 /* IPT_SO_SET_REPLACE */, "xxxx", 4), ENOPROTOOPT);
    ERR(accept(99, NULL, NULL), EBADF);
    ERR(shutdown(fd, 5), EINVAL);
    close(fd);
}

/* netdevice(7): what there is can be read, and nothing changed. */
static void interfaces(void)
{
    char name[IF_NAMESIZE];
    struct ifreq request = {.ifr_name = "lo"}, found[64];
    struct ifconf list = {.ifc_len = sizeof found, .ifc_req = found}, size = {.ifc_len = 0};
    int fd = socket(AF_INET, SOCK_DGRAM, 0), file = open("/dev/null", O_RDWR);
    unsigned index = if_nametoindex("lo");

    CHECK(index > 0);
    CHECK(if_indextoname(index, name) == name && strcmp(name, "lo") == 0);
    EQ(if_nametoindex("no-such-one"), 0);
    EQ(errno, ENODEV);
    EQ(ioctl(fd, SIOCGIFFLAGS, &request), 0);
    CHECK(request.ifr_flags & IFF_LOOPBACK);
    EQ(ioctl(fd, SIOCGIFMTU, &request), 0);
    CHECK(request.ifr_mtu > 1000);
    EQ(ioctl(fd, SIOCGIFCONF, &list), 0);
    CHECK(list.ifc_len > 0 && list.ifc_len % sizeof *found == 0);
    int loopbacks = 0;
    for (size_t i = 0; i < list.ifc_len / sizeof *found; i++)
        loopbacks += strcmp(found[i].ifr_name, "lo") == 0;
    EQ(loopbacks, 1);
    EQ(ioctl(fd, SIOCGIFCONF, &size), 0);
    EQ(size.ifc_len, list.ifc_len);
    list.ifc_buf = (void *)8;
    ERR(ioctl(fd, SIOCGIFCONF, &list), EFAULT);
    ERR(ioctl(fd, SIOCGIFFLAGS, 8), EFAULT);
    ERR(ioctl(file, SIOCGIFFLAGS, &request), ENOTTY);
    close(file);
    close(fd);
}

int main(void)
{
    interfaces();
    tcp();
    udp();
    unix_path();
    pass_descriptor();
    refused();
    return done();
}
