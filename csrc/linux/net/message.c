/* message.c - sending and receiving: data in place, names and control messages through copies. */
#include <stdlib.h>

#include "host/net.h"
#include "linux/abi/fs.h"
#include "linux/fs/fdtable.h"
#include "linux/mm/uaccess.h"
#include "linux/net/net.h"
#include "linux/time/time.h"
#include "syscalls_gen.h"

#define IOV_ON_STACK 8

/* A message as the host is to see it. */
struct message {
    struct linux_msghdr wire;
    struct host_msg host;
    struct host_iovec few[IOV_ON_STACK], *iov;
    struct sock_name name;
    void *control;
};

static void done(struct message *m)
{
    if (m->iov != m->few)
        free(m->iov);
    free(m->control);
    sock_name_done(&m->name);
}

/* Header and data vector; done() must follow. */
static int begin(struct task *task, struct message *m, gva_t at)
{
    m->iov = m->few;
    m->control = NULL;
    m->name = (struct sock_name){.fd = -1};
    m->host = (struct host_msg){0};
    if (copy_from_user(task, &m->wire, at, sizeof m->wire))
        return -LINUX_EFAULT;
    if ((int32_t)m->wire.namelen < 0)
        return -LINUX_EINVAL;
    if (m->wire.iovlen > LINUX_UIO_MAXIOV)
        return -LINUX_EMSGSIZE;
    if (m->wire.iovlen > IOV_ON_STACK) {
        m->iov = malloc((size_t)m->wire.iovlen * sizeof *m->iov);
        if (!m->iov) {
            m->iov = m->few;
            return -LINUX_ENOMEM;
        }
    }
    int64_t total = import_iovec(task, m->iov, m->wire.iov, m->wire.iovlen);
    m->host.iov = m->iov;
    m->host.iov_count = (size_t)m->wire.iovlen;
    return total < 0 ? (int)total : 0;
}

static int64_t send_one(struct task *task, int fd, gva_t at, int flags)
{
    struct message m;
    int64_t result = begin(task, &m, at);
    if (result == 0 && m.wire.name && m.wire.namelen) {
        uint32_t len = m.wire.namelen < LINUX_SOMAXADDR ? m.wire.namelen : LINUX_SOMAXADDR;
        result = sock_name_import(task, &m.name, m.wire.name, len);
        m.host.name = m.name.data;
        m.host.name_len = m.name.len;
    }
    if (result == 0 && m.wire.controllen) {
        if (m.wire.controllen > CONTROL_MAX)
            result = -LINUX_ENOBUFS;
        else if (!(m.control = malloc((size_t)m.wire.controllen)))
            result = -LINUX_ENOMEM;
        else
            result = control_import(task, m.control, m.wire.control, (size_t)m.wire.controllen);
        m.host.control = m.control;
        m.host.control_len = (size_t)m.wire.controllen;
    }
    if (result == 0)
        result = sock_interrupted(fd, host_sendmsg(fd, &m.host, flags), LINUX_SO_SNDTIMEO);
    done(&m);
    return result;
}

/* Write back what recvmsg() tells beside the data. */
static int export(struct task *task, struct message *m, gva_t at)
{
    struct linux_msghdr *w = &m->wire;
    if (w->name) {
        m->name.len = m->host.name_len;
        sock_name_to_guest(task, &m->name);
        uint32_t n = m->name.len < w->namelen ? m->name.len : w->namelen;
        if (n && copy_to_user(task, w->name, m->name.data, n))
            return -LINUX_EFAULT;
        w->namelen = m->name.len;
    }
    size_t control = m->host.control_len;
    control_export(task, m->control, &control);
    if (control && copy_to_user(task, w->control, m->control, control))
        return -LINUX_EFAULT;
    w->controllen = control;
    w->flags = m->host.flags;
    return copy_to_user(task, at, w, sizeof *w);
}

static int64_t receive_one(struct task *task, int fd, gva_t at, int flags)
{
    struct message m;
    int64_t result = begin(task, &m, at);
    if (result == 0 && m.wire.name) {
        m.host.name = m.name.data;
        m.host.name_len = sizeof m.name.data;
    }
    size_t room = m.wire.controllen < CONTROL_MAX ? (size_t)m.wire.controllen : CONTROL_MAX;
    if (result == 0 && room) {
        m.control = malloc(room);
        m.host.control = m.control;
        m.host.control_len = room;
        if (!m.control)
            result = -LINUX_ENOMEM;
    }
    if (result == 0)
        result = sock_interrupted(fd, host_recvmsg(fd, &m.host, flags), LINUX_SO_RCVTIMEO);
    if (result >= 0) {
        int err = export(task, &m, at);
        if (err)
            result = err;
    }
    done(&m);
    return result;
}

int64_t sys_sendmsg(struct task *task, const uint64_t args[6])
{
    return fd_is_guest(args[0]) ? send_one(task, (int)args[0], args[1], (int)args[2])
                                : -LINUX_EBADF;
}

int64_t sys_recvmsg(struct task *task, const uint64_t args[6])
{
    return fd_is_guest(args[0]) ? receive_one(task, (int)args[0], args[1], (int)args[2])
                                : -LINUX_EBADF;
}

int64_t sys_sendto(struct task *task, const uint64_t args[6])
{
    int fd = (int)args[0];
    struct sock_name name = {.fd = -1};
    struct host_iovec iov = {user_ptr(task, args[1], args[2]), (size_t)args[2]};
    struct host_msg msg = {.iov = &iov, .iov_count = 1};
    if (!fd_is_guest(args[0]))
        return -LINUX_EBADF;
    if (!iov.base)
        return -LINUX_EFAULT;
    int64_t result = 0;
    if (args[4]) {
        result = sock_name_import(task, &name, args[4], (uint32_t)args[5]);
        msg.name = name.data;
        msg.name_len = name.len;
    }
    if (result == 0)
        result = sock_interrupted(fd, host_sendmsg(fd, &msg, (int)args[3]), LINUX_SO_SNDTIMEO);
    sock_name_done(&name);
    return result;
}

int64_t sys_recvfrom(struct task *task, const uint64_t args[6])
{
    int fd = (int)args[0];
    struct sock_name name = {.len = sizeof name.data, .fd = -1};
    struct host_iovec iov = {user_ptr(task, args[1], args[2]), (size_t)args[2]};
    struct host_msg msg = {.iov = &iov, .iov_count = 1};
    if (!fd_is_guest(args[0]))
        return -LINUX_EBADF;
    if (!iov.base)
        return -LINUX_EFAULT;
    if (args[4]) {
        msg.name = name.data;
        msg.name_len = name.len;
    }
    int64_t n = sock_interrupted(fd, host_recvmsg(fd, &msg, (int)args[3]), LINUX_SO_RCVTIMEO);
    if (n >= 0 && args[4]) {
        name.len = msg.name_len;
        int err = sock_name_export(task, &name, args[4], args[5]);
        if (err)
            return err;
    }
    return n;
}

#define MMSG_MAX LINUX_UIO_MAXIOV

int64_t sys_sendmmsg(struct task *task, const uint64_t args[6])
{
    uint32_t count = (uint32_t)args[2] < MMSG_MAX ? (uint32_t)args[2] : MMSG_MAX;
    if (!fd_is_guest(args[0]))
        return -LINUX_EBADF;
    for (uint32_t i = 0; i < count; i++) {
        gva_t at = args[1] + i * sizeof(struct linux_mmsghdr);
        int64_t n = send_one(task, (int)args[0], at, (int)args[3]);
        if (n >= 0)
            n = put_user_u32(task, at + offsetof(struct linux_mmsghdr, len), (uint32_t)n);
        if (n < 0)
            return i ? (int64_t)i : n;
    }
    return count;
}

int64_t sys_recvmmsg(struct task *task, const uint64_t args[6])
{
    uint32_t count = (uint32_t)args[2] < MMSG_MAX ? (uint32_t)args[2] : MMSG_MAX;
    int flags = (int)args[3];
    struct linux_timespec timeout, deadline = {0, 0}, now;
    if (!fd_is_guest(args[0]))
        return -LINUX_EBADF;
    if (args[4]) {
        if (copy_from_user(task, &timeout, args[4], sizeof timeout))
            return -LINUX_EFAULT;
        if (!timespec_valid(&timeout))
            return -LINUX_EINVAL;
        deadline = timespec_deadline(&timeout);
    }
    uint32_t i = 0;
    while (i < count) {
        gva_t at = args[1] + i * sizeof(struct linux_mmsghdr);
        int64_t n = receive_one(task, (int)args[0], at, flags & ~LINUX_MSG_WAITFORONE);
        if (n >= 0)
            n = put_user_u32(task, at + offsetof(struct linux_mmsghdr, len), (uint32_t)n);
        if (n < 0)
            return i ? (int64_t)i : n;
        i++;
        if (flags & LINUX_MSG_WAITFORONE)
            flags |= LINUX_MSG_DONTWAIT;
        /* The time is looked at only between messages, as recvmmsg(2) says under BUGS. */
        if (args[4] && host_clock_gettime(LINUX_CLOCK_MONOTONIC, &now) == 0) {
            struct linux_timespec left = timespec_left(deadline, now);
            if (copy_to_user(task, args[4], &left, sizeof left))
                return -LINUX_EFAULT;
            if (left.tv_sec == 0 && left.tv_nsec == 0)
                break;
        }
    }
    return i;
}
