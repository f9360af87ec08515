/*
 * option.c - getsockopt(2), setsockopt(2). Values are laid out alike on both architectures, and the
 * host reads and writes them where they lie. What is looked at are options that hold pointers
 * (which are the guest's), name processes, or make descriptors.
 */
#include "host/io.h"
#include "host/net.h"
#include "linux/fs/fdtable.h"
#include "linux/mm/uaccess.h"
#include "linux/net/net.h"
#include "syscalls_gen.h"

/* iptables, arptables, ebtables and ipvs have numbers from here on: the host's firewall. */
#define IP_NETFILTER_BASE 64
/* ip6tables: SET_REPLACE and GET_INFO, SET_ADD_COUNTERS and GET_ENTRIES, then two of its own. */
#define IP6T_FIRST          64
#define IP6T_LAST_SHARED    65
#define IP6T_GET_REVISION_M 68
#define IP6T_GET_REVISION_T 69
#define MPTCP_SUBFLOW_ADDRS 3 /* the last without pointers */

/*
 * The level that the host is to be asked at: the same, LINUX_SOL_UNKNOWN for one that no socket of
 * a guest has (what the host then says depends on the socket), or -errno.
 */
static int host_level(int level, int name)
{
    bool refused = false;
    switch (level) {
    case LINUX_SOL_SOCKET:
        /* As a kernel without pidfds of peers (6.5), security modules, and groups of peers. */
        refused = name == LINUX_SO_PASSPIDFD || name == LINUX_SO_PEERPIDFD ||
                  name == LINUX_SO_PEERSEC || name == LINUX_SO_PEERGROUPS;
        break;
    case LINUX_SOL_IP: refused = name >= IP_NETFILTER_BASE; break;
    case LINUX_SOL_IPV6:
        refused = (name >= IP6T_FIRST && name <= IP6T_LAST_SHARED) || name == IP6T_GET_REVISION_M ||
                  name == IP6T_GET_REVISION_T;
        break;
    case LINUX_SOL_TCP: refused = name == LINUX_TCP_ZEROCOPY_RECEIVE; break;
    case LINUX_SOL_MPTCP: refused = name > MPTCP_SUBFLOW_ADDRS; break;
    case LINUX_SOL_UDP:
    case LINUX_SOL_UDPLITE:
    case LINUX_SOL_ICMPV6:
    case LINUX_SOL_NETLINK:
    case LINUX_SOL_TLS: break;
    default: return LINUX_SOL_UNKNOWN;
    }
    return refused ? -LINUX_ENOPROTOOPT : level;
}

/* A classic BPF program: the host checks it, its instructions hold no pointers. */
static int64_t attach_filter(struct task *task, int fd, int name, gva_t value, uint32_t len)
{
    struct linux_sock_fprog prog;
    struct {
        uint16_t len;
        void *filter;
    } host = {0};
    if (len != sizeof prog)
        return sock_error(fd, -LINUX_EINVAL);
    if (copy_from_user(task, &prog, value, sizeof prog))
        return sock_error(fd, -LINUX_EFAULT);
    host.len = prog.len;
    if (prog.filter) {
        host.filter = user_ptr(task, prog.filter, prog.len * 8ull);
        if (!host.filter)
            return sock_error(fd, -LINUX_EFAULT);
    }
    return host_setsockopt(fd, LINUX_SOL_SOCKET, name, &host, sizeof host);
}

/* The program of another descriptor: no number of ours. */
static int64_t attach_bpf(struct task *task, int fd, int name, gva_t value, uint32_t len)
{
    uint32_t prog;
    if (len != sizeof prog)
        return sock_error(fd, -LINUX_EINVAL);
    if (copy_from_user(task, &prog, value, sizeof prog))
        return sock_error(fd, -LINUX_EFAULT);
    if (!fd_is_guest(prog))
        return sock_error(fd, -LINUX_EBADF);
    return host_setsockopt(fd, LINUX_SOL_SOCKET, name, &prog, sizeof prog);
}

int64_t sys_setsockopt(struct task *task, const uint64_t args[6])
{
    int fd = (int)args[0], name = (int)args[2], level = host_level((int)args[1], name);
    uint32_t len = (uint32_t)args[4];
    if (!fd_is_guest(args[0]))
        return -LINUX_EBADF;
    if (level < 0)
        return sock_error(fd, level);
    if (level == LINUX_SOL_SOCKET) {
        switch (name) {
        case LINUX_SO_ATTACH_FILTER:
        case LINUX_SO_ATTACH_REUSEPORT_CBPF: return attach_filter(task, fd, name, args[3], len);
        case LINUX_SO_ATTACH_BPF:
        case LINUX_SO_ATTACH_REUSEPORT_EBPF: return attach_bpf(task, fd, name, args[3], len);
        }
    }
    void *value = args[3] ? user_ptr(task, args[3], len) : NULL;
    if (args[3] && !value && (int32_t)len >= 0)
        return sock_error(fd, -LINUX_EFAULT);
    return host_setsockopt(fd, level, name, value, len);
}

static int64_t peer_credentials(struct task *task, int fd, gva_t value, gva_t value_len,
                                uint32_t len)
{
    struct linux_ucred ucred;
    int err = ucred_of_peer(task, fd, &ucred);
    if (err)
        return err;
    if ((int32_t)len < 0)
        return -LINUX_EINVAL;
    if (len > sizeof ucred)
        len = sizeof ucred;
    if (copy_to_user(task, value, &ucred, len))
        return -LINUX_EFAULT;
    return put_user_u32(task, value_len, len);
}

int64_t sys_getsockopt(struct task *task, const uint64_t args[6])
{
    int fd = (int)args[0], name = (int)args[2], level = host_level((int)args[1], name);
    uint32_t len;
    if (!fd_is_guest(args[0]))
        return -LINUX_EBADF;
    if (level < 0)
        return sock_error(fd, level);
    if (get_user_u32(task, &len, args[4]))
        return sock_error(fd, -LINUX_EFAULT);
    if (level == LINUX_SOL_SOCKET && name == LINUX_SO_PEERCRED)
        return peer_credentials(task, fd, args[3], args[4], len);
    /* SO_GET_FILTER (the number of SO_ATTACH_FILTER) counts instructions of 8 bytes. */
    bool filter = level == LINUX_SOL_SOCKET && name == LINUX_SO_ATTACH_FILTER;
    void *value = user_ptr(task, args[3], (int32_t)len < 0 ? 0 : (filter ? 8ull : 1ull) * len);
    if (!value)
        return sock_error(fd, -LINUX_EFAULT);
    int err = host_getsockopt(fd, level, name, value, &len);
    return err ? err : put_user_u32(task, args[4], len);
}
