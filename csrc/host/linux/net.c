/* net.c - sockets on Linux: see net.h. */
#include "host/net.h"

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "host/linux/safe_syscall.h"
#include "linux/mm/uaccess.h"

_Static_assert(sizeof(struct host_iovec) == sizeof(struct iovec), "passed as it is");

static int ret(int r)
{
    return r < 0 ? -errno : r;
}

int host_socket(int domain, int type, int protocol)
{
    return ret(socket(domain, type, protocol));
}

int host_socketpair(int domain, int type, int protocol, int fds[2])
{
    return ret(socketpair(domain, type, protocol, fds));
}

int host_bind(int fd, const void *addr, uint32_t len)
{
    return ret(bind(fd, addr, len));
}

/*
 * Who has the current directory: a process number, 0 for nobody. Not a host_mutex: fork() may copy
 * one that is held by a thread which the child has not; another process's number is such a copy.
 */
static _Atomic pid_t cwd_holder;

static void take_cwd(void)
{
    pid_t self = getpid(), holder = 0;
    while (!atomic_compare_exchange_strong(&cwd_holder, &holder, self)) {
        if (holder == self) {
            sched_yield();
            holder = 0;
        }
    }
}

int host_bind_in(int dirfd, int fd, const void *addr, uint32_t len)
{
    take_cwd();
    int r = ret(fchdir(dirfd));
    if (r == 0) {
        r = ret(bind(fd, addr, len));
        if (chdir("/")) /* a directory held for ever would keep its file system busy */
            r = r < 0 ? r : -errno;
    }
    atomic_store(&cwd_holder, 0);
    return r;
}

int host_listen(int fd, int backlog)
{
    return ret(listen(fd, backlog));
}

int host_accept4(int fd, void *addr, uint32_t *len, int flags)
{
    return (int)host_syscall_maybe_waiting(SYS_accept4, fd, addr, len, flags);
}

int host_connect(int fd, const void *addr, uint32_t len)
{
    return (int)host_syscall_maybe_waiting(SYS_connect, fd, addr, len);
}

int host_getsockname(int fd, void *addr, uint32_t *len)
{
    return ret(getsockname(fd, addr, len));
}

int host_getpeername(int fd, void *addr, uint32_t *len)
{
    return ret(getpeername(fd, addr, len));
}

int host_shutdown(int fd, int how)
{
    return ret(shutdown(fd, how));
}

int host_setsockopt(int fd, int level, int name, const void *value, uint32_t len)
{
    return ret(setsockopt(fd, level, name, value, len));
}

int host_getsockopt(int fd, int level, int name, void *value, uint32_t *len)
{
    return ret(getsockopt(fd, level, name, value, len));
}

static struct msghdr header(const struct host_msg *msg)
{
    return (struct msghdr){.msg_name = msg->name,
                           .msg_namelen = msg->name_len,
                           .msg_iov = (struct iovec *)(uintptr_t)msg->iov,
                           .msg_iovlen = msg->iov_count,
                           .msg_control = msg->control,
                           .msg_controllen = msg->control_len};
}

int64_t host_sendmsg(int fd, const struct host_msg *msg, int flags)
{
    struct msghdr h = header(msg);
    return host_syscall_maybe_waiting(SYS_sendmsg, fd, &h, flags);
}

int64_t host_recvmsg(int fd, struct host_msg *msg, int flags)
{
    struct msghdr h = header(msg);
    long n = host_syscall_maybe_waiting(SYS_recvmsg, fd, &h, flags);
    if (n >= 0) {
        msg->name_len = h.msg_namelen;
        msg->control_len = h.msg_controllen;
        msg->flags = (uint32_t)h.msg_flags;
    }
    return n;
}
