/* guest-test: */
/* Random names, control messages and headers on sockets of every kind: nothing of ours is reached,
 * nothing breaks, no descriptor is lost. */
#include <fcntl.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "guest.h"

#define ROUNDS 20000

static int sent, received; /* descriptors */
static uint64_t seed = 88172645463325252u;

static uint32_t below(uint32_t n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 20) % n;
}

static char *pages; /* two, then a hole */

/* size bytes that may end at the hole, or lie elsewhere. */
static char *somewhere(size_t size)
{
    switch (below(8)) {
    case 0: return (char *)8;
    case 1: return pages + 8192 - below((uint32_t)(size + 1)); /* into the hole */
    case 2: return (char *)(uintptr_t)-8;
    default: return pages + (size < 8192 ? below((uint32_t)(8192 - size)) : 0);
    }
}

static size_t some_length(void)
{
    static const size_t lengths[] = {0,  1,  2,  3,  4,  8,   12,  15, 16,
                                     17, 20, 24, 28, 32, 110, 111, 128};
    switch (below(6)) {
    case 0: return (size_t)-1 - below(40);
    case 1: return (size_t)1 << below(63);
    default: return lengths[below(sizeof lengths / sizeof lengths[0])];
    }
}

static void random_bytes(char *at, size_t n)
{
    for (size_t i = 0; i < n; i++)
        at[i] = (char)(below(3) ? below(4) : below(256));
}

/* A list of control messages that is nearly right. */
static size_t control_list(char *at)
{
    size_t used = 0;
    for (uint32_t n = below(3); n && used < 512; n--) {
        size_t size = below(8) ? below(4) * 4 : below(64);
        struct cmsghdr h = {CMSG_LEN(size), SOL_SOCKET, below(4) ? SCM_RIGHTS : (int)below(4) + 1};
        if (below(12) == 0)
            h.cmsg_len = some_length();
        if (below(12) == 0)
            h.cmsg_level = (int)below(300);
        memcpy(at + used, &h, sizeof h);
        for (size_t i = 0; i + 4 <= size; i += 4) {
            int value = below(12) ? (int)below(8) : (int)below(70000) - 10;
            memcpy(at + used + sizeof h + i, &value, sizeof value);
        }
        used += CMSG_SPACE(size);
    }
    return used;
}

/* Each descriptor that a message carries. */
static void each_descriptor(struct msghdr *m, void (*fn)(int fd))
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        for (size_t i = 0; CMSG_LEN(i + 4) <= c->cmsg_len; i += 4) {
            int fd;
            memcpy(&fd, CMSG_DATA(c) + i, sizeof fd);
            fn(fd);
        }
    }
}

/* What was sent held no number that is not one of the program's few files. */
static void check_sent(int fd)
{
    if (fd >= 1024 || fd < 0)
        FAIL("descriptor %d was sent", fd);
    sent++;
}

static void drop_received(int fd)
{
    if (fcntl(fd, F_GETFD) < 0)
        FAIL("received descriptor %d", fd);
    received++;
    close(fd);
}

static struct msghdr *header(int to_send)
{
    char *at = pages + 256;
    struct msghdr m = {0};
    struct iovec iov = {pages + 1024, below(64)};
    memcpy(pages + 512, &iov, sizeof iov);
    m.msg_iov = below(10) ? (void *)(pages + 512) : (void *)somewhere(16);
    m.msg_iovlen = below(10) ? 1 : some_length();
    if (below(3) == 0) {
        m.msg_name = below(6) ? pages + 2048 : somewhere(128);
        m.msg_namelen = (socklen_t)some_length();
        pages[2048] = (char)(below(2) ? AF_UNIX : below(20));
        pages[2049] = 0;
        random_bytes(pages + 2050, below(126));
    }
    if (below(2)) {
        m.msg_control = pages + 4096;
        m.msg_controllen = to_send ? control_list(pages + 4096) : 2048;
        if (below(6) == 0)
            m.msg_controllen = to_send ? some_length() : below(100);
        if (below(8) == 0)
            m.msg_control = somewhere(64);
    }
    memcpy(at, &m, sizeof m);
    return (void *)(below(20) ? at : somewhere(sizeof m));
}

static int sockets[8];
#define SOCKETS (sizeof sockets / sizeof sockets[0])

static void open_all(void)
{
    OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, sockets));
    OK(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets + 2));
    sockets[4] = socket(AF_INET, SOCK_DGRAM, 0);
    sockets[5] = socket(AF_UNIX, SOCK_DGRAM, 0);
    sockets[6] = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
    sockets[7] = socket(AF_INET6, SOCK_STREAM, 0);
    int one = 1;
    for (int i = 0; i < 4; i++)
        OK(setsockopt(sockets[i], SOL_SOCKET, SO_PASSCRED, &one, sizeof one));
}

static void close_all(void)
{
    for (size_t i = 0; i < SOCKETS; i++)
        close(sockets[i]);
}

static bool unix_socket(int fd)
{
    return fd != sockets[4] && fd != sockets[6] && fd != sockets[7];
}

static void one_round(void)
{
    int fd = sockets[below(SOCKETS)];
    char *name = below(4) ? pages + 2048 : somewhere(110);
    socklen_t *len = (void *)(pages + 3072);
    *len = (socklen_t)some_length();
    switch (below(9)) {
    case 0:
    case 1: {
        struct msghdr *m = header(1);
        int64_t n = sendmsg(fd, m, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n >= 0 && m->msg_control == pages + 4096 && unix_socket(fd))
            each_descriptor(m, check_sent);
        break;
    }
    case 2:
    case 3: {
        struct msghdr *m = header(0);
        if (recvmsg(fd, m, MSG_DONTWAIT | (below(4) ? 0 : MSG_PEEK)) >= 0 &&
            m->msg_control == pages + 4096)
            each_descriptor(m, drop_received);
        break;
    }
    case 4:
        random_bytes(pages + 2050, 110);
        pages[2048] = AF_UNIX;
        pages[2049] = 0;
        pages[2050] = 0; /* abstract: paths would fill the directory */
        bind(fd, (void *)name, (socklen_t)some_length());
        break;
    case 5:
        pages[2050] = (char)below(2);
        fcntl(fd, F_SETFL, O_NONBLOCK);
        connect(fd, (void *)name, (socklen_t)some_length());
        break;
    case 6: getsockname(fd, (void *)somewhere(110), len); break;
    case 7: {
        int level = (int)below(300), option = (int)below(90);
        *len = (socklen_t)below(200);
        getsockopt(fd, below(2) ? SOL_SOCKET : level, option, somewhere(128), len);
        break;
    }
    default: recvfrom(fd, somewhere(64), below(64), MSG_DONTWAIT, (void *)name, len);
    }
}

static int number_of_files(void)
{
    int n = 0;
    for (int fd = 0; fd < 1024; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

int main(void)
{
    pages = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    OK(munmap(pages + 8192, 4096));
    int before = number_of_files();
    for (int round = 0; round < ROUNDS; round++) {
        if (round % 256 == 0) {
            if (round)
                close_all();
            open_all();
        }
        one_round();
        if (round % 1024 == 0)
            for (int fd = before + (int)SOCKETS; fd < 1024; fd++)
                close(fd); /* what a list in unreadable memory has told of */
    }
    close_all();
    for (int fd = before; fd < 1024; fd++)
        close(fd);
    EQ(number_of_files(), before);
    CHECK(sent > 100 && received > 10); /* it is not all refused */
    return done();
}
