/* guest-test: */
/* Options of sockets by value and size, ancillary data that they ask for, and ioctls of sockets. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/errqueue.h>
#include <linux/filter.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/route.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

#include "guest.h"

static int get(int fd, int level, int name)
{
    int value = -1;
    socklen_t len = sizeof value;
    OK(getsockopt(fd, level, name, &value, &len));
    EQ(len, sizeof value);
    return value;
}

static void set(int fd, int level, int name, int value)
{
    if (setsockopt(fd, level, name, &value, sizeof value))
        FAIL("option %d of level %d: errno %d", name, level, errno);
}

static int bound(int domain, int type, struct sockaddr_storage *name, socklen_t *len)
{
    int fd = socket(domain, type, 0);
    struct sockaddr_in *in = (void *)name;
    struct sockaddr_in6 *in6 = (void *)name;
    memset(name, 0, sizeof *name);
    name->ss_family = (sa_family_t)domain;
    *len = domain == AF_INET ? sizeof *in : sizeof *in6;
    if (domain == AF_INET)
        in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    else
        in6->sin6_addr = in6addr_loopback;
    OK(bind(fd, (void *)name, *len));
    OK(getsockname(fd, (void *)name, len));
    return fd;
}

static void values(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0), un = socket(AF_UNIX, SOCK_DGRAM, 0);
    struct linger linger = {1, 5}, got = {0};
    socklen_t len = sizeof got;
    char text[64];
    EQ(get(fd, SOL_SOCKET, SO_TYPE), SOCK_STREAM);
    EQ(get(fd, SOL_SOCKET, SO_DOMAIN), AF_INET);
    EQ(get(fd, SOL_SOCKET, SO_PROTOCOL), IPPROTO_TCP);
    EQ(get(fd, SOL_SOCKET, SO_ACCEPTCONN), 0);
    EQ(get(fd, SOL_SOCKET, SO_ERROR), 0);
    OK(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger));
    OK(getsockopt(fd, SOL_SOCKET, SO_LINGER, &got, &len));
    EQ(len, sizeof got);
    EQ(got.l_linger, 5);
    set(fd, SOL_SOCKET, SO_RCVBUF, 10000);
    EQ(get(fd, SOL_SOCKET, SO_RCVBUF), 20000);
    set(fd, SOL_SOCKET, SO_KEEPALIVE, 7);
    EQ(get(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
    set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    EQ(get(fd, SOL_SOCKET, SO_REUSEPORT), 1);
    set(fd, IPPROTO_TCP, TCP_KEEPIDLE, 77);
    EQ(get(fd, IPPROTO_TCP, TCP_KEEPIDLE), 77);
    set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 1234);
    EQ(get(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 1234);
    set(fd, IPPROTO_IP, IP_TOS, 0x10);
    EQ(get(fd, IPPROTO_IP, IP_TOS), 0x10);
    set(fd, IPPROTO_IP, IP_TTL, 33);
    EQ(get(fd, IPPROTO_IP, IP_TTL), 33);
    len = sizeof text;
    OK(getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, text, &len));
    EQ(len, 16);
    OK(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3));
    len = sizeof text;
    OK(getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, text, &len));
    EQ(len, 3);
    CHECK(!strcmp(text, "lo"));
    set(un, SOL_SOCKET, SO_PEEK_OFF, 3);
    EQ(get(un, SOL_SOCKET, SO_PEEK_OFF), 3);
    close(fd);
    close(un);
}

/* Lengths, bad addresses, what does not exist. */
static void checks(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0), un = socket(AF_UNIX, SOCK_DGRAM, 0);
    int value = 1, file = open("/dev/null", O_RDWR);
    char big[8192] = {1};
    socklen_t len;
    ERR(setsockopt(-1, SOL_SOCKET, SO_KEEPALIVE, &value, 4), EBADF);
    ERR(setsockopt(file, SOL_SOCKET, SO_KEEPALIVE, (void *)8, 4), ENOTSOCK);
    ERR(setsockopt(file, SOL_IP, 64, (void *)8, 4), ENOTSOCK);
    ERR(getsockopt(file, SOL_SOCKET, SO_KEEPALIVE, &value, (void *)8), ENOTSOCK);
    ERR(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &value, 3), EINVAL);
    ERR(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &value, (socklen_t)-1), EINVAL);
    ERR(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, (void *)8, 4), EFAULT);
    ERR(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, NULL, 4), EFAULT);
    OK(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, big, sizeof big)); /* the rest is not looked at */
    ERR(getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &value, (void *)8), EFAULT);
    len = 4;
    ERR(getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, (void *)8, &len), EFAULT);
    len = (socklen_t)-1;
    ERR(getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &value, &len), EINVAL);
    len = 1;
    value = 0x55555555;
    OK(getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &value, &len));
    EQ(len, 1);
    EQ(value, 0x55555501);
    len = 0;
    OK(getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, NULL, &len));
    EQ(len, 0);
    len = sizeof big;
    OK(getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, big, &len));
    EQ(len, 4);
    len = 4;
    ERR(getsockopt(fd, SOL_SOCKET, 9999, &value, &len), ENOPROTOOPT);
    ERR(setsockopt(fd, SOL_SOCKET, 9999, &value, 4), ENOPROTOOPT);
    ERR(setsockopt(fd, SOL_SOCKET, SO_TYPE, &value, 4), ENOPROTOOPT);
    ERR(setsockopt(fd, IPPROTO_TCP, 9999, &value, 4), ENOPROTOOPT);
    ERR(setsockopt(fd, 4000, 1, &value, 4), ENOPROTOOPT);
    ERR(getsockopt(fd, 132 /* SCTP */, 1, &value, &len), EOPNOTSUPP);
    ERR(setsockopt(fd, SOL_UDP, UDP_CORK, &value, 4), ENOPROTOOPT);
    ERR(setsockopt(un, IPPROTO_TCP, TCP_NODELAY, &value, 4), EOPNOTSUPP);
    ERR(getsockopt(un, IPPROTO_TCP, TCP_NODELAY, &value, &len), EOPNOTSUPP);
    ERR(setsockopt(un, 132, 1, &value, 4), EOPNOTSUPP);
    ERR(setsockopt(fd, SOL_SOCKET, 52 /* SO_ATTACH_REUSEPORT_EBPF */, &file, 4), EINVAL);
    value = 700000;
    ERR(setsockopt(fd, SOL_SOCKET, SO_ATTACH_BPF, &value, 4), EBADF);
    close(fd);
    close(un);
    close(file);
}

/* The first n bytes of each datagram. */
static void filter(void)
{
    struct sock_filter code[] = {BPF_STMT(BPF_RET | BPF_K, 3)}, got[4] = {0};
    struct sock_fprog prog = {1, code}, bad = {1, NULL};
    int pair[2];
    char buf[8];
    socklen_t len = 4;
    OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
    OK(setsockopt(pair[1], SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof prog));
    EQ(send(pair[0], "filter", 6, 0), 6);
    EQ(recv(pair[1], buf, sizeof buf, 0), 3);
    OK(getsockopt(pair[1], SOL_SOCKET, SO_GET_FILTER, got, &len));
    EQ(len, 1);
    EQ(got[0].k, 3);
    len = 0; /* how many are there? */
    OK(getsockopt(pair[1], SOL_SOCKET, SO_GET_FILTER, NULL, &len));
    EQ(len, 1);
    ERR(setsockopt(pair[1], SOL_SOCKET, SO_ATTACH_FILTER, &prog, 4), EINVAL);
    ERR(setsockopt(pair[1], SOL_SOCKET, SO_ATTACH_FILTER, &bad, sizeof bad), EINVAL);
    bad.filter = (void *)8;
    ERR(setsockopt(pair[1], SOL_SOCKET, SO_ATTACH_FILTER, &bad, sizeof bad), EFAULT);
    code[0].code = 0xffff;
    ERR(setsockopt(pair[1], SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof prog), EINVAL);
    set(pair[1], SOL_SOCKET, SO_DETACH_FILTER, 0);
    EQ(send(pair[0], "filter", 6, 0), 6);
    EQ(recv(pair[1], buf, sizeof buf, 0), 6);
    close(pair[0]);
    close(pair[1]);
}

static struct cmsghdr *find(struct msghdr *m, int level, int type)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
        if (c->cmsg_level == level && c->cmsg_type == type)
            return c;
    FAIL("no control message %d of level %d", type, level);
    return NULL;
}

/* What the receiver asked to be told with a datagram. */
static void told(int domain)
{
    struct sockaddr_storage name;
    socklen_t len;
    int fd = bound(domain, SOCK_DGRAM, &name, &len), from = socket(domain, SOCK_DGRAM, 0);
    bool v4 = domain == AF_INET;
    char buf[8], control[256];
    struct iovec iov = {buf, sizeof buf};
    struct msghdr m = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *c;
    struct timespec now, at;
    set(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1);
    set(fd, v4 ? SOL_IP : SOL_IPV6, v4 ? IP_PKTINFO : IPV6_RECVPKTINFO, 1);
    set(fd, v4 ? SOL_IP : SOL_IPV6, v4 ? IP_RECVTTL : IPV6_RECVHOPLIMIT, 1);
    set(from, v4 ? SOL_IP : SOL_IPV6, v4 ? IP_TTL : IPV6_UNICAST_HOPS, 9);
    EQ(sendto(from, "told", 4, 0, (void *)&name, len), 4);
    EQ(recvmsg(fd, &m, 0), 4);
    EQ(m.msg_flags, 0);
    if ((c = find(&m, SOL_SOCKET, SO_TIMESTAMPNS))) {
        EQ(c->cmsg_len, CMSG_LEN(sizeof at));
        memcpy(&at, CMSG_DATA(c), sizeof at);
        clock_gettime(CLOCK_REALTIME, &now);
        CHECK(now.tv_sec - at.tv_sec < 60 && now.tv_sec >= at.tv_sec);
    }
    if ((c = find(&m, v4 ? SOL_IP : SOL_IPV6, v4 ? IP_TTL : IPV6_HOPLIMIT))) {
        int hops;
        memcpy(&hops, CMSG_DATA(c), sizeof hops);
        EQ(hops, 9);
    }
    if (v4 && (c = find(&m, SOL_IP, IP_PKTINFO))) {
        struct in_pktinfo info;
        EQ(c->cmsg_len, CMSG_LEN(sizeof info));
        memcpy(&info, CMSG_DATA(c), sizeof info);
        EQ(info.ipi_addr.s_addr, htonl(INADDR_LOOPBACK));
        EQ(info.ipi_ifindex, if_nametoindex("lo"));
    } else if (!v4 && (c = find(&m, SOL_IPV6, IPV6_PKTINFO))) {
        struct in6_pktinfo info;
        memcpy(&info, CMSG_DATA(c), sizeof info);
        CHECK(!memcmp(&info.ipi6_addr, &in6addr_loopback, 16));
    }
    /* Too little room cuts the list and the last of it. */
    EQ(sendto(from, "told", 4, 0, (void *)&name, len), 4);
    m.msg_controllen = CMSG_SPACE(sizeof at) + CMSG_LEN(2);
    EQ(recvmsg(fd, &m, 0), 4);
    EQ(m.msg_flags, MSG_CTRUNC);
    EQ(m.msg_controllen, CMSG_SPACE(sizeof at) + CMSG_LEN(2));
    /* And what the sender may say. */
    if (v4) {
        struct in_pktinfo info = {.ipi_spec_dst.s_addr = htonl(INADDR_LOOPBACK + 1)};
        struct sockaddr_in source = {0};
        m = (struct msghdr){.msg_name = &name,
                            .msg_namelen = len,
                            .msg_iov = &iov,
                            .msg_iovlen = 1,
                            .msg_control = control,
                            .msg_controllen = CMSG_SPACE(sizeof info)};
        c = CMSG_FIRSTHDR(&m);
        *c = (struct cmsghdr){CMSG_LEN(sizeof info), SOL_IP, IP_PKTINFO};
        memcpy(CMSG_DATA(c), &info, sizeof info);
        EQ(sendmsg(from, &m, 0), 8);
        len = sizeof source;
        EQ(recvfrom(fd, buf, sizeof buf, 0, (void *)&source, &len), 8);
        EQ(source.sin_addr.s_addr, htonl(INADDR_LOOPBACK + 1));
        c->cmsg_len = CMSG_LEN(4);
        ERR(sendmsg(from, &m, 0), EINVAL);
    }
    close(fd);
    close(from);
}

/* An error comes with where it came from. */
static void error_queue(void)
{
    struct sockaddr_storage name;
    socklen_t len;
    int fd = bound(AF_INET, SOCK_DGRAM, &name, &len), to = socket(AF_INET, SOCK_DGRAM, 0);
    char buf[8], control[256];
    struct iovec iov = {buf, sizeof buf};
    struct msghdr m = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct sock_extended_err err;
    close(fd);
    set(to, SOL_IP, IP_RECVERR, 1);
    OK(connect(to, (void *)&name, len));
    EQ(send(to, "lost", 4, 0), 4);
    EQ(get(to, SOL_SOCKET, SO_ERROR), ECONNREFUSED);
    EQ(recvmsg(to, &m, MSG_ERRQUEUE), 4);
    EQ(m.msg_flags, MSG_ERRQUEUE);
    struct cmsghdr *c = find(&m, SOL_IP, IP_RECVERR);
    if (c) {
        memcpy(&err, CMSG_DATA(c), sizeof err);
        EQ(err.ee_errno, ECONNREFUSED);
        EQ(err.ee_origin, SO_EE_ORIGIN_ICMP);
    }
    close(to);
}

static void tcp_info(void)
{
    struct sockaddr_storage name;
    struct tcp_info info = {0};
    socklen_t len;
    int fd = bound(AF_INET, SOCK_STREAM, &name, &len), to = socket(AF_INET, SOCK_STREAM, 0);
    OK(listen(fd, 1));
    EQ(get(fd, SOL_SOCKET, SO_ACCEPTCONN), 1);
    OK(connect(to, (void *)&name, len));
    int conn = accept(fd, NULL, NULL), n = 0;
    len = sizeof info;
    OK(getsockopt(to, IPPROTO_TCP, TCP_INFO, &info, &len));
    EQ(len, sizeof info);
    EQ(info.tcpi_state, TCP_ESTABLISHED);
    CHECK(info.tcpi_snd_mss > 500);
    /* Out of band. */
    char buf[4];
    EQ(send(to, "ab", 2, MSG_OOB), 2);
    EQ(recv(conn, buf, 4, MSG_OOB), 1);
    EQ(buf[0], 'b');
    EQ(recv(conn, buf, 4, 0), 1);
    OK(ioctl(conn, SIOCATMARK, &n));
    EQ(n, 1);
    EQ(send(to, "xyz", 3, 0), 3);
    EQ(recv(conn, buf, 3, MSG_PEEK | MSG_WAITALL), 3);
    OK(ioctl(to, SIOCOUTQNSD, &n));
    EQ(n, 0);
    len = sizeof name;
    EQ(recvfrom(conn, buf, 4, MSG_TRUNC, (void *)&name, &len), 3); /* thrown away */
    EQ(len, 0);
    close(conn);
    close(to);
    close(fd);
}

static void multicast(void)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0), index = (int)if_nametoindex("lo");
    struct ip_mreqn mreq = {.imr_multiaddr.s_addr = inet_addr("239.1.2.3"), .imr_ifindex = index};
    struct group_source_req req = {.gsr_interface = (uint32_t)index};
    struct sockaddr_in *group = (void *)&req.gsr_group, *source = (void *)&req.gsr_source;
    struct {
        uint32_t multiaddr, interface, mode, count, source[4];
    } msf = {inet_addr("239.1.2.4"), htonl(INADDR_LOOPBACK), 0, 4, {0}};
    socklen_t len = sizeof msf;
    OK(setsockopt(fd, SOL_IP, IP_ADD_MEMBERSHIP, &mreq, sizeof mreq));
    ERR(setsockopt(fd, SOL_IP, IP_ADD_MEMBERSHIP, &mreq, sizeof mreq), EADDRINUSE);
    group->sin_family = source->sin_family = AF_INET;
    group->sin_addr.s_addr = inet_addr("239.1.2.4");
    source->sin_addr.s_addr = inet_addr("10.1.2.3");
    OK(setsockopt(fd, SOL_IP, MCAST_JOIN_SOURCE_GROUP, &req, sizeof req));
    OK(getsockopt(fd, SOL_IP, IP_MSFILTER, &msf, &len)); /* reads what it is asked about */
    EQ(msf.mode, MCAST_INCLUDE);
    EQ(msf.count, 1);
    EQ(msf.source[0], inet_addr("10.1.2.3"));
    OK(setsockopt(fd, SOL_IP, IP_DROP_MEMBERSHIP, &mreq, sizeof mreq));
    close(fd);
}

static void ioctls(void)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0), un = socket(AF_UNIX, SOCK_DGRAM, 0);
    struct ifreq req = {.ifr_name = "lo"};
    struct sockaddr_in *in = (void *)&req.ifr_addr;
    struct rtentry route = {0};
    struct timeval tv;
    OK(ioctl(fd, SIOCGIFADDR, &req));
    EQ(in->sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    OK(ioctl(fd, SIOCGIFNETMASK, &req));
    EQ(in->sin_addr.s_addr, htonl(0xff000000));
    OK(ioctl(fd, SIOCGIFHWADDR, &req));
    EQ(req.ifr_hwaddr.sa_family, 772 /* ARPHRD_LOOPBACK */);
    OK(ioctl(un, SIOCGIFINDEX, &req)); /* any socket will do */
    EQ(req.ifr_ifindex, if_nametoindex("lo"));
    OK(ioctl(fd, SIOCGIFNAME, &req));
    CHECK(!strcmp(req.ifr_name, "lo"));
    OK(ioctl(fd, SIOCGIFTXQLEN, &req));
    OK(ioctl(fd, SIOCGIFMAP, &req));
    ERR(ioctl(fd, SIOCGSTAMP, &tv), ENOENT); /* nothing received yet */
    ERR(ioctl(fd, SIOCGSTAMP_OLD, &tv), ENOENT);
    strcpy(req.ifr_name, "none");
    ERR(ioctl(fd, SIOCGIFFLAGS, &req), ENODEV);
    ERR(ioctl(fd, SIOCGIFADDR, &req), ENODEV);
    ERR(ioctl(fd, 0x89cf, &req), ENOTTY);
    OK(setresuid(1000, 1000, 1000));
    strcpy(req.ifr_name, "lo");
    ERR(ioctl(fd, SIOCSIFFLAGS, &req), EPERM);
    ERR(ioctl(fd, SIOCSIFFLAGS, 8), EFAULT);
    ERR(ioctl(fd, SIOCSIFADDR, &req), EPERM);
    ERR(ioctl(fd, SIOCSIFMTU, &req), EPERM);
    ERR(ioctl(fd, SIOCADDRT, &route), EPERM);
    int one = 1;
    ERR(setsockopt(fd, SOL_SOCKET, SO_MARK, &one, 4), EPERM);
    ERR(setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &one, 4), EPERM);
    close(fd);
    close(un);
}

int main(void)
{
    values();
    checks();
    filter();
    told(AF_INET);
    int fd = socket(AF_INET6, SOCK_DGRAM, 0);
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
    if (bind(fd, (void *)&in6, sizeof in6) == 0) /* not every host has it switched on */
        told(AF_INET6);
    close(fd);
    error_queue();
    tcp_info();
    multicast();
    ioctls();
    return done();
}
