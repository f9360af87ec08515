/* message.c - sending and receiving: data in place, names and control messages through copies. */
#include <stdlib.h>

#include "host/net.h"
#include "linux/abi/fs.h"
#include "linux/fs/fdtable.h"
#include "linux/mm/uaccess.h"
#include "linux/net/net.h"
#include "linux/time/time.h"
#include "syscalls_gen.h"

#define IOV_ON_STACK  8
#define MMSG_MAX      LINUX_UIO_MAXIOV
#define NAMELEN_AT    offsetof(struct linux_msghdr, namelen)
#define FLAGS_AT      offsetof(struct linux_msghdr, flags)
#define CONTROLLEN_AT offsetof(struct linux_msghdr, controllen)

/* A message as the host is to see it. */
struct message {
    struct linux_msghdr wire;
    struct host_msg host;
    struct host_iovec few[IOV_ON_STACK], *iov;
    struct sock_name name;
    struct control control;
    int64_t total; /* bytes in the data vector */
};

static void done(struct message *m)
{
    if (m->iov != m->few)
        free(m->iov);
    control_done(&m->control);
    sock_name_done(&m->name);
}

/* ___sys_sendmsg(), ___sys_recvmsg(): header, name (to send it), data vector; done() must follow.
 */
static int begin(struct task *task, struct message *m, gva_t at, bool send)
{
    struct linux_msghdr *w = &m->wire;
    m->iov = m->few;
    m->control = (struct control){0};
    m->name = SOCK_NAME_NONE;
    m->host = (struct host_msg){0};
    if (copy_from_user(task, w, at, sizeof *w))
        return -LINUX_EFAULT;
    if (w->name && (int32_t)w->namelen < 0)
        return -LINUX_EINVAL;
    if (send && w->name && w->namelen) {
        uint32_t len = w->namelen < LINUX_SOMAXADDR ? w->namelen : LINUX_SOMAXADDR;
        if (sock_name_copy(task, &m->name, w->name, len))
            return -LINUX_EFAULT;
    }
    if (w->iovlen > LINUX_UIO_MAXIOV)
        return -LINUX_EMSGSIZE;
    if (w->iovlen > IOV_ON_STACK) {
        m->iov = malloc((size_t)w->iovlen * sizeof *m->iov);
        if (!m->iov) {
            m->iov = m->few;
            return -LINUX_ENOMEM;
        }
    }
    m->total = import_iovec(task, m->iov, w->iov, w->iovlen);
    m->host.iov = m->iov;
    m->host.iov_count = (size_t)w->iovlen;
    return m->total < 0 ? (int)m->total : 0;
}

/* Descriptors and credentials are judged before the name is looked for: unix_dgram_sendmsg(). */
static int64_t send_begun(struct task *task, int fd, struct message *m, int flags)
{
    int64_t err = 0;
    if (m->wire.controllen)
        err = control_import(task, fd, &m->control, m->wire.control, m->wire.controllen);
    if (err == 0 && m->name.len)
        err = sock_name_resolve_to_send(task, fd, &m->name);
    if (err)
        return err;
    if (m->name.len) {
        m->host.name = m->name.data;
        m->host.name_len = m->name.len;
    }
    peer_publish(task);
    m->host.control = m->control.buf;
    m->host.control_len = m->control.len;
    return sock_interrupted(fd, host_sendmsg(fd, &m->host, flags), LINUX_SO_SNDTIMEO, flags);
}

/* *cut: less was sent than there was. */
static int64_t send_one(struct task *task, int fd, gva_t at, int flags, bool *cut)
{
    struct message m;
    if ((uint32_t)flags & LINUX_MSG_CMSG_COMPAT)
        return -LINUX_EINVAL;
    int64_t result = begin(task, &m, at, true);
    result = result ? sock_error(fd, result) : send_begun(task, fd, &m, flags);
    *cut = result >= 0 && result < m.total;
    done(&m);
    return result;
}

/* What the guest cannot be told of control messages is no error: put_cmsg(). */
static void export_control(struct task *task, int fd, struct message *m, size_t room)
{
    m->control.len = m->host.control_len;
    control_export(task, fd, &m->control, room, &m->host.flags);
    if (m->control.len && copy_to_user(task, m->wire.control, m->control.buf, m->control.len) &&
        control_drop(task, &m->control))
        m->host.flags |= LINUX_MSG_CTRUNC;
}

/* Write back what recvmsg() tells beside the data. */
static int export(struct task *task, int fd, struct message *m, gva_t at, size_t room)
{
    if (room)
        export_control(task, fd, m, room);
    if (m->wire.name) {
        m->name.len = m->host.name_len;
        int err = sock_name_export(task, &m->name, m->wire.name, at + NAMELEN_AT);
        if (err)
            return err;
    }
    return put_user_u32(task, at + FLAGS_AT, m->host.flags) ||
                   put_user_u64(task, at + CONTROLLEN_AT, m->control.len)
               ? -LINUX_EFAULT
               : 0;
}

static int64_t receive_begun(struct task *task, int fd, struct message *m, gva_t at, int flags)
{
    if (m->wire.name) {
        m->host.name = m->name.data;
        m->host.name_len = sizeof m->name.data;
    }
    size_t room = m->wire.controllen < CONTROL_MAX ? (size_t)m->wire.controllen : CONTROL_MAX;
    if (room) {
        m->control.buf = malloc(room);
        if (!m->control.buf)
            return -LINUX_ENOMEM;
        m->host.control = m->control.buf;
        m->host.control_len = room;
    }
    int64_t n = sock_interrupted(fd, host_recvmsg(fd, &m->host, flags), LINUX_SO_RCVTIMEO, flags);
    int err = n < 0 ? 0 : export(task, fd, m, at, room);
    return err ? err : n;
}

static int64_t receive_one(struct task *task, int fd, gva_t at, int flags, uint32_t *msg_flags)
{
    struct message m;
    if ((uint32_t)flags & LINUX_MSG_CMSG_COMPAT)
        return -LINUX_EINVAL;
    int64_t result = begin(task, &m, at, false);
    result = result ? sock_error(fd, result) : receive_begun(task, fd, &m, at, flags);
    *msg_flags = m.host.flags;
    done(&m);
    return result;
}

int64_t sys_sendmsg(struct task *task, const uint64_t args[6])
{
    bool cut;
    return fd_is_guest(args[0]) ? send_one(task, (int)args[0], args[1], (int)args[2], &cut)
                                : -LINUX_EBADF;
}

int64_t sys_recvmsg(struct task *task, const uint64_t args[6])
{
    uint32_t msg_flags;
    return fd_is_guest(args[0]) ? receive_one(task, (int)args[0], args[1], (int)args[2], &msg_flags)
                                : -LINUX_EBADF;
}

/* import_ubuf(): the range is judged before the descriptor. */
static bool buffer(struct task *task, struct host_iovec *iov, gva_t addr, uint64_t len)
{
    if (len > LINUX_MAX_RW_COUNT)
        len = LINUX_MAX_RW_COUNT;
    *iov = (struct host_iovec){user_ptr(task, addr, len), (size_t)len};
    return iov->base != NULL;
}

int64_t sys_sendto(struct task *task, const uint64_t args[6])
{
    int fd = (int)args[0], flags = (int)args[3];
    struct sock_name name = SOCK_NAME_NONE;
    struct host_iovec iov;
    struct host_msg msg = {.iov = &iov, .iov_count = 1};
    if (!buffer(task, &iov, args[1], args[2]))
        return -LINUX_EFAULT;
    if (!fd_is_guest(args[0]))
        return -LINUX_EBADF;
    int64_t result = 0;
    peer_publish(task);
    if (args[4]) {
        result = sock_name_copy(task, &name, args[4], (uint32_t)args[5]);
        if (result)
            return sock_error(fd, result);
        result = sock_name_resolve_to_send(task, fd, &name);
        msg.name = name.data;
        msg.name_len = name.len;
    }
    if (result == 0)
        result = sock_interrupted(fd, host_sendmsg(fd, &msg, flags), LINUX_SO_SNDTIMEO, flags);
    sock_name_done(&name);
    return result;
}

int64_t sys_recvfrom(struct task *task, const uint64_t args[6])
{
    int fd = (int)args[0], flags = (int)args[3];
    struct sock_name name = {.len = sizeof name.data, .fd = -1};
    struct host_iovec iov;
    struct host_msg msg = {.iov = &iov, .iov_count = 1};
    if (!buffer(task, &iov, args[1], args[2]))
        return -LINUX_EFAULT;
    if (!fd_is_guest(args[0]))
        return -LINUX_EBADF;
    if (args[4]) {
        msg.name = name.data;
        msg.name_len = name.len;
    }
    int64_t n = sock_interrupted(fd, host_recvmsg(fd, &msg, flags), LINUX_SO_RCVTIMEO, flags);
    if (n >= 0 && args[4]) {
        name.len = msg.name_len;
        int err = sock_name_export(task, &name, args[4], args[5]);
        if (err)
            return err;
    }
    return n;
}

int64_t sys_sendmmsg(struct task *task, const uint64_t args[6])
{
    uint32_t count = (uint32_t)args[2] < MMSG_MAX ? (uint32_t)args[2] : MMSG_MAX;
    int fd = (int)args[0];
    if ((uint32_t)args[3] & LINUX_MSG_CMSG_COMPAT)
        return -LINUX_EINVAL;
    if (!fd_is_guest(args[0]))
        return -LINUX_EBADF;
    if (count == 0)
        return sock_error(fd, 0);
    for (uint32_t i = 0; i < count; i++) {
        gva_t at = args[1] + i * sizeof(struct linux_mmsghdr);
        bool cut;
        int64_t n = send_one(task, fd, at, (int)args[3], &cut);
        if (n >= 0)
            n = put_user_u32(task, at + offsetof(struct linux_mmsghdr, len), (uint32_t)n);
        if (n < 0)
            return i ? (int64_t)i : n;
        if (cut)
            return i + 1;
    }
    return count;
}

/* The time is looked at only between messages, as recvmmsg(2) says under BUGS. */
static bool time_is_up(const struct linux_timespec *deadline, struct linux_timespec *left)
{
    struct linux_timespec now;
    if (host_clock_gettime(LINUX_CLOCK_MONOTONIC, &now))
        return false;
    *left = timespec_left(*deadline, now);
    return left->tv_sec == 0 && left->tv_nsec == 0;
}

/* Until count messages or `deadline` (NULL: none): their number, or the first one's error. */
static int64_t receive_many(struct task *task, const uint64_t args[6],
                            const struct linux_timespec *deadline, struct linux_timespec *left)
{
    int flags = (int)args[3];
    uint32_t i = 0, count = (uint32_t)args[2], msg_flags = 0;
    while (i < count) {
        gva_t at = args[1] + i * sizeof(struct linux_mmsghdr);
        int64_t n = receive_one(task, (int)args[0], at, flags & ~LINUX_MSG_WAITFORONE, &msg_flags);
        if (n >= 0)
            n = put_user_u32(task, at + offsetof(struct linux_mmsghdr, len), (uint32_t)n);
        if (n < 0)
            return i ? (int64_t)i : n;
        i++;
        if (flags & LINUX_MSG_WAITFORONE)
            flags |= LINUX_MSG_DONTWAIT;
        if ((deadline && time_is_up(deadline, left)) || msg_flags & LINUX_MSG_OOB)
            break;
    }
    return i;
}

int64_t sys_recvmmsg(struct task *task, const uint64_t args[6])
{
    struct linux_timespec timeout, deadline;
    if ((uint32_t)args[3] & LINUX_MSG_CMSG_COMPAT)
        return -LINUX_EINVAL;
    if (args[4]) {
        if (copy_from_user(task, &timeout, args[4], sizeof timeout))
            return -LINUX_EFAULT;
        if (!timespec_valid(&timeout))
            return -LINUX_EINVAL;
        deadline = timespec_deadline(&timeout);
    }
    if (!fd_is_guest(args[0]))
        return -LINUX_EBADF;
    if ((uint32_t)args[2] == 0)
        return sock_error((int)args[0], 0);
    int64_t n = receive_many(task, args, args[4] ? &deadline : NULL, &timeout);
    if (n > 0 && args[4] && copy_to_user(task, args[4], &timeout, sizeof timeout))
        return -LINUX_EFAULT;
    return n;
}
