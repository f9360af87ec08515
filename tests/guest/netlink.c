/* guest-test: */
/* rtnetlink: the dumps of links, addresses, routes and neighbours, as getifaddrs() and ip ask for
 * them; sock_diag's of sockets; that nothing can be changed; other families. */
#include <ifaddrs.h>
#include <linux/if_addr.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "guest.h"

static char buf[65536];

static int open_route(struct sockaddr_nl *self)
{
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    socklen_t len = sizeof *self;
    memset(self, 0, sizeof *self);
    self->nl_family = AF_NETLINK;
    OK(bind(fd, (void *)self, sizeof *self));
    OK(getsockname(fd, (void *)self, &len));
    EQ(len, sizeof *self);
    CHECK(self->nl_pid != 0);
    return fd;
}

/* Asks for a dump and calls fn for each answer: their number. */
static int dump(int type, void *body, size_t size, int answer, void (*fn)(struct nlmsghdr *))
{
    struct sockaddr_nl self, kernel = {.nl_family = AF_NETLINK}, from;
    struct nlmsghdr h = {.nlmsg_len = NLMSG_LENGTH(size),
                         .nlmsg_type = (uint16_t)type,
                         .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
                         .nlmsg_seq = 77};
    struct iovec iov[2] = {{&h, sizeof h}, {body, size}};
    struct msghdr m = {
        .msg_name = &kernel, .msg_namelen = sizeof kernel, .msg_iov = iov, .msg_iovlen = 2};
    int fd = open_route(&self), n = 0;
    EQ(sendmsg(fd, &m, 0), (int)(sizeof h + size));
    for (bool more = true; more;) {
        socklen_t from_len = sizeof from;
        ssize_t got = recvfrom(fd, buf, sizeof buf, 0, (void *)&from, &from_len);
        if (got <= 0) {
            FAIL("nothing received, errno %d", errno);
            break;
        }
        EQ(from_len, sizeof from);
        EQ(from.nl_pid, 0); /* the kernel */
        for (struct nlmsghdr *a = (void *)buf; NLMSG_OK(a, got); a = NLMSG_NEXT(a, got)) {
            EQ(a->nlmsg_seq, 77);
            EQ(a->nlmsg_pid, self.nl_pid);
            if (a->nlmsg_type == NLMSG_DONE) {
                more = false;
                break;
            }
            EQ(a->nlmsg_type, answer);
            if (a->nlmsg_type != answer) {
                more = false;
                break;
            }
            n++;
            if (fn)
                fn(a);
        }
    }
    close(fd);
    return n;
}

static int loopbacks;

static void link_is(struct nlmsghdr *h)
{
    struct ifinfomsg *info = NLMSG_DATA(h);
    int len = (int)(h->nlmsg_len - NLMSG_LENGTH(sizeof *info));
    char name[IF_NAMESIZE];
    for (struct rtattr *a = IFLA_RTA(info); RTA_OK(a, len); a = RTA_NEXT(a, len)) {
        if (a->rta_type == IFLA_IFNAME) {
            CHECK(if_indextoname((unsigned)info->ifi_index, name) && !strcmp(name, RTA_DATA(a)));
            loopbacks += !strcmp(RTA_DATA(a), "lo");
        }
    }
}

static void dumps(void)
{
    struct ifinfomsg link = {.ifi_family = AF_UNSPEC};
    struct ifaddrmsg addr = {.ifa_family = AF_INET};
    struct rtmsg route = {.rtm_family = AF_INET, .rtm_table = RT_TABLE_LOCAL};
    struct ndmsg neigh = {.ndm_family = AF_INET};
    CHECK(dump(RTM_GETLINK, &link, sizeof link, RTM_NEWLINK, link_is) >= 1);
    EQ(loopbacks, 1);
    CHECK(dump(RTM_GETADDR, &addr, sizeof addr, RTM_NEWADDR, NULL) >= 1);
    CHECK(dump(RTM_GETROUTE, &route, sizeof route, RTM_NEWROUTE, NULL) >= 1);
    CHECK(dump(RTM_GETNEIGH, &neigh, sizeof neigh, RTM_NEWNEIGH, NULL) >= 0);
}

static void interfaces(void)
{
    struct ifaddrs *all = NULL;
    struct if_nameindex *index = if_nameindex();
    int found = 0, named = 0;
    OK(getifaddrs(&all));
    for (struct ifaddrs *i = all; i; i = i->ifa_next) {
        struct sockaddr_in *in = (void *)i->ifa_addr;
        if (!strcmp(i->ifa_name, "lo") && in && in->sin_family == AF_INET) {
            found++;
            EQ(in->sin_addr.s_addr, htonl(INADDR_LOOPBACK));
            CHECK(i->ifa_flags & IFF_LOOPBACK);
        }
    }
    EQ(found, 1);
    freeifaddrs(all);
    for (struct if_nameindex *i = index; i && i->if_index; i++)
        named += !strcmp(i->if_name, "lo");
    EQ(named, 1);
    if_freenameindex(index);
}

/* One request and the error that answers it. */
static int answer_to(int fd, int type, int flags, const void *body, size_t size)
{
    struct nlmsghdr *h = (void *)buf;
    memset(buf, 0, 256);
    *h = (struct nlmsghdr){.nlmsg_len = NLMSG_LENGTH(size),
                           .nlmsg_type = (uint16_t)type,
                           .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags),
                           .nlmsg_seq = 5};
    memcpy(NLMSG_DATA(h), body, size);
    EQ(send(fd, buf, h->nlmsg_len, 0), h->nlmsg_len);
    ssize_t got = recv(fd, buf, sizeof buf, 0);
    if (got < (ssize_t)NLMSG_LENGTH(sizeof(struct nlmsgerr)) || h->nlmsg_type != NLMSG_ERROR)
        return 1;
    return ((struct nlmsgerr *)NLMSG_DATA(h))->error;
}

static void unchanged(void)
{
    struct sockaddr_nl self;
    int fd = open_route(&self), lo = (int)if_nametoindex("lo");
    struct ifinfomsg up = {.ifi_index = lo, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
    struct {
        struct ifaddrmsg addr;
        struct rtattr attr;
        uint32_t value;
    } add = {{AF_INET, 32, 0, 0, (uint32_t)lo}, {8, IFA_LOCAL}, htonl(0x0a0b0c0d)};
    struct rtmsg route = {.rtm_family = AF_INET, .rtm_table = RT_TABLE_MAIN};
    EQ(answer_to(fd, RTM_NEWLINK, NLM_F_ACK, &up, sizeof up), -EPERM);
    EQ(answer_to(fd, RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, &up, sizeof up), -EPERM);
    EQ(answer_to(fd, RTM_NEWADDR, NLM_F_ACK, &add, sizeof add), -EPERM);
    EQ(answer_to(fd, RTM_DELADDR, NLM_F_ACK, &add, sizeof add), -EPERM);
    EQ(answer_to(fd, RTM_DELROUTE, NLM_F_ACK, &route, sizeof route), -EPERM);
    EQ(answer_to(fd, RTM_GETLINK, 0, &(struct ifinfomsg){.ifi_index = 1 << 30}, sizeof up),
       -ENODEV);
    EQ(answer_to(fd, 9999, NLM_F_ACK, &up, sizeof up), -EOPNOTSUPP);
    /* What changes can be watched. */
    struct sockaddr_nl groups = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
    int group = RTNLGRP_IPV4_ROUTE, watch = socket(AF_NETLINK, SOCK_DGRAM, NETLINK_ROUTE);
    OK(bind(watch, (void *)&groups, sizeof groups));
    OK(setsockopt(watch, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group));
    OK(setsockopt(watch, SOL_NETLINK, NETLINK_EXT_ACK, &(int){1}, sizeof(int)));
    /* Nobody but the kernel hears. */
    groups = (struct sockaddr_nl){.nl_family = AF_NETLINK, .nl_pid = self.nl_pid};
    ERR(sendto(watch, buf, 16, 0, (void *)&groups, sizeof groups), EPERM);
    ERR(bind(watch, (void *)&groups, 4), EINVAL);
    close(watch);
    close(fd);
}

/* The credentials of a message are the kernel's. */
static void credentials(void)
{
    struct sockaddr_nl self;
    int fd = open_route(&self), one = 1;
    union {
        struct cmsghdr align;
        char bytes[64];
    } control;
    struct nlmsghdr h = {NLMSG_LENGTH(0), NLMSG_NOOP, NLM_F_REQUEST | NLM_F_ACK, 1, 0};
    struct iovec iov = {buf, sizeof buf};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = &control,
                       .msg_controllen = sizeof control};
    struct ucred cred = {1, 1, 1};
    OK(setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &one, sizeof one));
    EQ(send(fd, &h, sizeof h, 0), sizeof h);
    CHECK(recvmsg(fd, &m, 0) > 0);
    EQ(control.align.cmsg_type, SCM_CREDENTIALS);
    memcpy(&cred, CMSG_DATA(&control.align), sizeof cred);
    EQ(cred.pid, 0);
    EQ(cred.uid, 0);
    EQ(cred.gid, 0);
    close(fd);
}

/* ss: the listening TCP sockets, among which is ours. */
static void sockets(void)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct {
        struct nlmsghdr h;
        struct inet_diag_req_v2 r;
    } ask = {{sizeof ask, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST | NLM_F_DUMP, 1, 0},
             {.sdiag_family = AF_INET, .sdiag_protocol = IPPROTO_TCP, .idiag_states = 1 << 10}};
    int listener = socket(AF_INET, SOCK_STREAM, 0), found = 0;
    int fd = socket(AF_NETLINK, SOCK_DGRAM, NETLINK_SOCK_DIAG);
    socklen_t len = sizeof in;
    OK(bind(listener, (void *)&in, sizeof in));
    OK(listen(listener, 1));
    OK(getsockname(listener, (void *)&in, &len));
    EQ(send(fd, &ask, sizeof ask, 0), sizeof ask);
    for (bool more = true; more;) {
        ssize_t got = recv(fd, buf, sizeof buf, 0);
        more = got > 0;
        for (struct nlmsghdr *a = (void *)buf; more && NLMSG_OK(a, got); a = NLMSG_NEXT(a, got)) {
            struct inet_diag_msg *d = NLMSG_DATA(a);
            if (a->nlmsg_type == NLMSG_ERROR) /* inet_diag is a module, not on every machine */
                found = ((struct nlmsgerr *)NLMSG_DATA(a))->error == -ENOENT;
            if (a->nlmsg_type == NLMSG_DONE || a->nlmsg_type == NLMSG_ERROR)
                more = false;
            else
                found += d->id.idiag_sport == in.sin_port;
        }
    }
    EQ(found, 1);
    close(listener);
    close(fd);
}

int main(void)
{
    dumps();
    interfaces();
    credentials();
    sockets();
    OK(setresuid(1000, 1000, 1000));
    unchanged();
    ERR(socket(AF_NETLINK, SOCK_STREAM, NETLINK_ROUTE), ESOCKTNOSUPPORT);
    ERR(socket(AF_NETLINK, SOCK_RAW, 32), EPROTONOSUPPORT);
    ERR(socket(AF_NETLINK, SOCK_RAW, -1), EPROTONOSUPPORT);
    ERR(socket(AF_NETLINK, SOCK_RAW, 31), EPROTONOSUPPORT);
    return done();
}
