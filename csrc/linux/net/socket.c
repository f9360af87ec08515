/* socket.c - making, naming and connecting sockets: as Linux's net/socket.c. */
#include "host/io.h"
#include "host/net.h"
#include "linux/abi/time.h"
#include "linux/fs/fdtable.h"
#include "linux/mm/uaccess.h"
#include "linux/net/net.h"
#include "linux/signal/signal.h"
#include "syscalls_gen.h"

int net_create(void)
{
    int err = abstract_create();
    return err ? err : peer_create();
}

/* What inet_create() and netlink_create() say where the protocol's module is not there. */
static int check_inet(int type, int protocol)
{
    if (type == LINUX_SOCK_SEQPACKET || type == LINUX_SOCK_DCCP)
        return -LINUX_ESOCKTNOSUPPORT;
    switch (protocol) {
    case LINUX_IPPROTO_DCCP:
    case LINUX_IPPROTO_L2TP:
    case LINUX_IPPROTO_SCTP:
    case LINUX_IPPROTO_SMC: return -LINUX_EPROTONOSUPPORT;
    default: return 0;
    }
}

static int check_netlink(int type, int protocol)
{
    if (type != LINUX_SOCK_RAW && type != LINUX_SOCK_DGRAM)
        return -LINUX_ESOCKTNOSUPPORT;
    return protocol == LINUX_NETLINK_ROUTE || protocol == LINUX_NETLINK_SOCK_DIAG
               ? 0
               : -LINUX_EPROTONOSUPPORT;
}

/*
 * What guests may open, as __sock_create() finds it: an ordinary user's internet sockets, and the
 * netlink families that list the network, where the host lets nobody without CAP_NET_ADMIN change
 * anything. Other families are those of hardware and of kernel services that the guest's kernel has
 * not.
 */
static int check_family(int domain, int type, int protocol)
{
    if (domain < 0 || domain >= LINUX_AF_MAX)
        return -LINUX_EAFNOSUPPORT;
    if (type >= LINUX_SOCK_MAX)
        return -LINUX_EINVAL;
    if (domain == LINUX_AF_INET && type == LINUX_SOCK_PACKET)
        domain = LINUX_AF_PACKET;
    switch (domain) {
    case LINUX_AF_UNIX: return 0;
    case LINUX_AF_INET:
    case LINUX_AF_INET6: return check_inet(type, protocol);
    case LINUX_AF_NETLINK: return check_netlink(type, protocol);
    case LINUX_AF_PACKET: return -LINUX_EPERM;
    default: return -LINUX_EAFNOSUPPORT;
    }
}

static int check_type(int type)
{
    return type & ~(LINUX_SOCK_TYPE_MASK | LINUX_SOCK_NONBLOCK | LINUX_SOCK_CLOEXEC) ? -LINUX_EINVAL
                                                                                     : 0;
}

int64_t sys_socket(struct task *task, const uint64_t args[6])
{
    int domain = (int)args[0], type = (int)args[1], protocol = (int)args[2];
    int err = check_type(type);
    if (err == 0)
        err = check_family(domain, type & LINUX_SOCK_TYPE_MASK, protocol);
    if (err)
        return err;
    int fd = host_socket(domain, type, protocol);
    /* The host refuses these, unless elfuse has been given more than an ordinary user has. */
    if (fd >= 0 && (type & LINUX_SOCK_TYPE_MASK) == LINUX_SOCK_RAW &&
        (domain == LINUX_AF_INET || domain == LINUX_AF_INET6)) {
        host_fd_close(fd);
        return -LINUX_EPERM;
    }
    return fd_return(task, fd);
}

/* Linux has and tells two numbers before it looks for the family. */
static int tell_numbers(struct task *task, gva_t to)
{
    int fds[2] = {fd_table_free(task->proc->fds, 0)};
    fds[1] = fds[0] < 0 ? fds[0] : fd_table_free(task->proc->fds, fds[0] + 1);
    return fds[1] < 0 ? fds[1] : copy_to_user(task, to, fds, sizeof fds);
}

int64_t sys_socketpair(struct task *task, const uint64_t args[6])
{
    int domain = (int)args[0], type = (int)args[1], protocol = (int)args[2], fds[2];
    int err = check_type(type);
    if (err == 0)
        err = tell_numbers(task, args[3]);
    if (err == 0)
        err = check_family(domain, type & LINUX_SOCK_TYPE_MASK, protocol);
    peer_publish(task);
    if (err == 0)
        err = host_socketpair(domain, type, protocol, fds);
    if (err)
        return err;
    int64_t a = fd_return(task, fds[0]), b = fd_return(task, fds[1]);
    if (a >= 0 && b >= 0 && copy_to_user(task, args[3], fds, sizeof fds) == 0)
        return 0;
    if (a >= 0)
        fd_discard(task, (int)a);
    if (b >= 0)
        fd_discard(task, (int)b);
    return a < 0 ? a : b < 0 ? b : -LINUX_EFAULT;
}

int64_t sys_bind(struct task *task, const uint64_t args[6])
{
    struct sock_name name;
    int fd = (int)args[0];
    if (!fd_is_guest(args[0]))
        return -LINUX_EBADF;
    int err = sock_name_copy(task, &name, args[1], (uint32_t)args[2]);
    if (err)
        return sock_error(fd, err);
    int64_t domain = sock_option(fd, LINUX_SO_DOMAIN);
    return domain == LINUX_AF_UNIX ? unix_bind(task, fd, &name)
                                   : host_bind(fd, name.data, name.len);
}

int64_t sys_listen(struct task *task, const uint64_t args[6])
{
    peer_publish(task);
    return fd_is_guest(args[0]) ? host_listen((int)args[0], (int)args[1]) : -LINUX_EBADF;
}

int64_t sock_interrupted(int fd, int64_t result, int timeout_option, int msg_flags)
{
    struct linux_timeval tv = {0, 0};
    uint32_t len = sizeof tv;
    if (result != -LINUX_ERESTARTSYS)
        return result;
    int flags = host_getfl(fd);
    if (msg_flags & LINUX_MSG_DONTWAIT || (flags >= 0 && flags & LINUX_O_NONBLOCK))
        return -LINUX_ERESTARTNOINTR;
    if (host_getsockopt(fd, LINUX_SOL_SOCKET, timeout_option, &tv, &len))
        return result;
    if (!tv.tv_sec && !tv.tv_usec)
        return result;
    /* sock_intr_errno(). What somebody else is to handle, or nobody yet, must not show. */
    return signal_check(current) ? -LINUX_EINTR : -LINUX_ERESTARTNOINTR;
}

int64_t sock_restart(syscall_fn *handler, const uint64_t args[6], int64_t result)
{
    if (handler == sys_read || handler == sys_readv || handler == sys_preadv2)
        return sock_interrupted((int)args[0], result, LINUX_SO_RCVTIMEO, 0);
    if (handler == sys_write || handler == sys_writev || handler == sys_pwritev2 ||
        handler == sys_sendfile)
        return sock_interrupted((int)args[0], result, LINUX_SO_SNDTIMEO, 0);
    return result;
}

static int64_t do_accept(struct task *task, int fd, gva_t addr, gva_t addrlen, int flags)
{
    struct sock_name name = {.len = sizeof name.data, .fd = -1};
    if (!fd_is_guest((uint32_t)fd))
        return -LINUX_EBADF;
    if (flags & ~(LINUX_SOCK_NONBLOCK | LINUX_SOCK_CLOEXEC))
        return fd_error(fd, -LINUX_EINVAL);
    /* Without a number, the connection stays in the queue. */
    if (fd_table_free(task->proc->fds, 0) < 0)
        return fd_error(fd, -LINUX_EMFILE);
    int64_t got = host_accept4(fd, name.data, &name.len, flags);
    if (got < 0)
        return sock_interrupted(fd, got, LINUX_SO_RCVTIMEO, 0);
    got = fd_return(task, got);
    int err = got < 0 || !addr ? 0 : sock_name_export(task, &name, addr, addrlen);
    if (err) {
        fd_discard(task, (int)got);
        return err;
    }
    return got;
}

int64_t sys_accept(struct task *task, const uint64_t args[6])
{
    return do_accept(task, (int)args[0], args[1], args[2], 0);
}

int64_t sys_accept4(struct task *task, const uint64_t args[6])
{
    return do_accept(task, (int)args[0], args[1], args[2], (int)args[3]);
}

int64_t sys_connect(struct task *task, const uint64_t args[6])
{
    struct sock_name name;
    int fd = (int)args[0];
    if (!fd_is_guest(args[0]))
        return -LINUX_EBADF;
    int64_t result = sock_name_copy(task, &name, args[1], (uint32_t)args[2]);
    if (result) /* __sys_connect(): only then whether it is a socket */
        return fd_error(fd, result);
    peer_publish(task);
    result = sock_name_resolve(task, fd, &name);
    if (result == 0)
        result = sock_interrupted(fd, host_connect(fd, name.data, name.len), LINUX_SO_SNDTIMEO, 0);
    sock_name_done(&name);
    return result;
}

typedef int get_name(int fd, void *addr, uint32_t *len);

static int64_t tell_name(struct task *task, const uint64_t args[6], get_name *get)
{
    struct sock_name name = {.len = sizeof name.data, .fd = -1};
    if (!fd_is_guest(args[0]))
        return -LINUX_EBADF;
    int err = get((int)args[0], name.data, &name.len);
    return err ? err : sock_name_export(task, &name, args[1], args[2]);
}

int64_t sys_getsockname(struct task *task, const uint64_t args[6])
{
    return tell_name(task, args, host_getsockname);
}

int64_t sys_getpeername(struct task *task, const uint64_t args[6])
{
    return tell_name(task, args, host_getpeername);
}

int64_t sys_shutdown(struct task *task, const uint64_t args[6])
{
    (void)task;
    return fd_is_guest(args[0]) ? host_shutdown((int)args[0], (int)args[1]) : -LINUX_EBADF;
}
