/* socket.c - making, naming, connecting sockets, and their options: as Linux's net/socket.c. */
#include "host/io.h"
#include "host/net.h"
#include "linux/abi/time.h"
#include "linux/fs/fdtable.h"
#include "linux/mm/uaccess.h"
#include "linux/net/net.h"
#include "syscalls_gen.h"

#define PROTO_NETLINK_ROUTE 0

/*
 * What guests may open. Raw and packet sockets, and families of the host's hardware, would give a
 * guest of a privileged elfuse more of the host than one of an ordinary user.
 */
static int check_family(int domain, int type, int protocol)
{
    switch (domain) {
    case LINUX_AF_UNIX: return 0;
    case LINUX_AF_INET:
    case LINUX_AF_INET6: return (type & LINUX_SOCK_TYPE_MASK) == LINUX_SOCK_RAW ? -LINUX_EPERM : 0;
    case LINUX_AF_NETLINK: return protocol == PROTO_NETLINK_ROUTE ? 0 : -LINUX_EPROTONOSUPPORT;
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
        err = check_family(domain, type, protocol);
    return err ? err : fd_return(task, host_socket(domain, type, protocol));
}

int64_t sys_socketpair(struct task *task, const uint64_t args[6])
{
    int domain = (int)args[0], type = (int)args[1], protocol = (int)args[2], fds[2];
    int err = check_type(type);
    if (err == 0)
        err = check_family(domain, type, protocol);
    if (err == 0)
        err = host_socketpair(domain, type, protocol, fds);
    if (err)
        return err;
    int64_t a = fd_return(task, fds[0]), b = fd_return(task, fds[1]);
    if (a >= 0 && b >= 0 && copy_to_user(task, args[3], fds, sizeof fds) == 0)
        return 0;
    if (a >= 0)
        host_fd_close((int)a);
    if (b >= 0)
        host_fd_close((int)b);
    return a < 0 ? a : b < 0 ? b : -LINUX_EFAULT;
}

int64_t sys_bind(struct task *task, const uint64_t args[6])
{
    if (!fd_is_guest(args[0]))
        return -LINUX_EBADF;
    return sock_bind(task, (int)args[0], args[1], (uint32_t)args[2]);
}

int64_t sys_listen(struct task *task, const uint64_t args[6])
{
    (void)task;
    return fd_is_guest(args[0]) ? host_listen((int)args[0], (int)args[1]) : -LINUX_EBADF;
}

int64_t sock_interrupted(int fd, int64_t result, int timeout_option)
{
    struct linux_timeval tv = {0, 0};
    uint32_t len = sizeof tv;
    if (result != -LINUX_ERESTARTSYS ||
        host_getsockopt(fd, LINUX_SOL_SOCKET, timeout_option, &tv, &len))
        return result;
    return tv.tv_sec || tv.tv_usec ? -LINUX_EINTR : result;
}

static int64_t do_accept(struct task *task, int fd, gva_t addr, gva_t addrlen, int flags)
{
    struct sock_name name = {.len = sizeof name.data, .fd = -1};
    if (!fd_is_guest((uint32_t)fd))
        return -LINUX_EBADF;
    if (flags & ~(LINUX_SOCK_NONBLOCK | LINUX_SOCK_CLOEXEC))
        return -LINUX_EINVAL;
    int64_t got = host_accept4(fd, name.data, &name.len, flags);
    if (got < 0)
        return sock_interrupted(fd, got, LINUX_SO_RCVTIMEO);
    got = fd_return(task, got);
    int err = got < 0 ? 0 : sock_name_export(task, &name, addr, addrlen);
    if (err) {
        host_fd_close((int)got);
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
    int64_t result = sock_name_import(task, &name, args[1], (uint32_t)args[2]);
    if (result == 0)
        result = sock_interrupted(fd, host_connect(fd, name.data, name.len), LINUX_SO_SNDTIMEO);
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
    if (err)
        return err;
    return args[1] ? sock_name_export(task, &name, args[1], args[2]) : -LINUX_EFAULT;
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

/* ---- options ---- */

#define OPTION_MAX 4096u

/*
 * Options are bytes to the host, unless they hold pointers (which are the guest's), make
 * descriptors of host processes, or rule the host's firewall (iptables, arptables and ipvs have
 * numbers from 64 on).
 */
static int check_option(int level, int name)
{
    switch (level) {
    case LINUX_SOL_SOCKET:
        return name == LINUX_SO_PASSPIDFD || name == LINUX_SO_PEERPIDFD ? -LINUX_ENOPROTOOPT : 0;
    case LINUX_SOL_UDP:
    case LINUX_SOL_UDPLITE:
    case LINUX_SOL_ICMPV6:
    case LINUX_SOL_NETLINK: return 0;
    case LINUX_SOL_TCP: return name == LINUX_TCP_ZEROCOPY_RECEIVE ? -LINUX_ENOPROTOOPT : 0;
    case LINUX_SOL_IP: return name >= 64 ? -LINUX_ENOPROTOOPT : 0;
    case LINUX_SOL_IPV6: return name == 64 || name == 65 ? -LINUX_ENOPROTOOPT : 0;
    default: return -LINUX_ENOPROTOOPT;
    }
}

/* A classic BPF program: the host checks it, its instructions hold no pointers. */
static int64_t attach_filter(struct task *task, int fd, int name, gva_t value, uint32_t len)
{
    struct linux_sock_fprog prog;
    struct {
        uint16_t len;
        void *filter;
    } host;
    if (len != sizeof prog)
        return -LINUX_EINVAL;
    if (copy_from_user(task, &prog, value, sizeof prog))
        return -LINUX_EFAULT;
    host.len = prog.len;
    host.filter = user_ptr(task, prog.filter, prog.len * 8ull);
    if (!host.filter)
        return -LINUX_EFAULT;
    return host_setsockopt(fd, LINUX_SOL_SOCKET, name, &host, sizeof host);
}

int64_t sys_setsockopt(struct task *task, const uint64_t args[6])
{
    int fd = (int)args[0], level = (int)args[1], name = (int)args[2];
    uint32_t len = (uint32_t)args[4];
    _Alignas(8) uint8_t value[OPTION_MAX];
    if (!fd_is_guest(args[0]))
        return -LINUX_EBADF;
    if ((int32_t)len < 0)
        return -LINUX_EINVAL;
    int err = check_option(level, name);
    if (err)
        return err;
    if (level == LINUX_SOL_SOCKET &&
        (name == LINUX_SO_ATTACH_FILTER || name == LINUX_SO_ATTACH_REUSEPORT_CBPF))
        return attach_filter(task, fd, name, args[3], len);
    if (len > sizeof value)
        len = sizeof value;
    if (!args[3])
        return host_setsockopt(fd, level, name, NULL, len);
    if (copy_from_user(task, value, args[3], len))
        return -LINUX_EFAULT;
    return host_setsockopt(fd, level, name, value, len);
}

int64_t sys_getsockopt(struct task *task, const uint64_t args[6])
{
    int fd = (int)args[0], level = (int)args[1], name = (int)args[2];
    uint32_t len;
    _Alignas(8) uint8_t value[OPTION_MAX * 8];
    if (!fd_is_guest(args[0]))
        return -LINUX_EBADF;
    if (get_user_u32(task, &len, args[4]))
        return -LINUX_EFAULT;
    if ((int32_t)len < 0)
        return -LINUX_EINVAL;
    int err = check_option(level, name);
    if (err)
        return err;
    /* SO_GET_FILTER (the number of SO_ATTACH_FILTER) counts instructions of 8 bytes. */
    bool filter = level == LINUX_SOL_SOCKET && name == LINUX_SO_ATTACH_FILTER;
    if (len > OPTION_MAX)
        len = OPTION_MAX;
    err = host_getsockopt(fd, level, name, value, &len);
    if (err)
        return err;
    if (level == LINUX_SOL_SOCKET && name == LINUX_SO_PEERCRED &&
        len == sizeof(struct linux_ucred)) {
        struct linux_ucred *u = (struct linux_ucred *)value;
        *u = ucred_to_guest(task, *u);
    }
    if (copy_to_user(task, args[3], value, filter ? len * 8 : len))
        return -LINUX_EFAULT;
    return put_user_u32(task, args[4], len);
}
