/*
 * control.c - control messages. Most are values that both architectures lay out alike; descriptors
 * are judged and counted, credentials are translated, and what a kernel without it would not send
 * is left out.
 */
#include <stdlib.h>
#include <string.h>

#include "host/io.h"
#include "linux/fs/fdtable.h"
#include "linux/mm/uaccess.h"
#include "linux/net/net.h"

#define HEADER   sizeof(struct linux_cmsghdr)
#define ALIGN(n) (((n) + 7) & ~(size_t)7)

/* CMSG_FIRSTHDR(), CMSG_NXTHDR(): the header at `at`. False at the end, or where it does not fit.
 */
static bool header_at(const struct control *c, size_t at, struct linux_cmsghdr *h)
{
    if (at > c->len || c->len - at < HEADER)
        return false;
    memcpy(h, (const uint8_t *)c->buf + at, HEADER);
    return h->len >= HEADER && h->len <= c->len - at;
}

/* ---- from the guest ---- */

/* scm_fp_copy(): nothing of ours, and the host judges the rest. */
static int judge_descriptors(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i + 4 <= size; i += 4) {
        int32_t fd;
        memcpy(&fd, data + i, sizeof fd);
        if (size / 4 <= LINUX_SCM_MAX_FD && (fd < 0 || !fd_is_guest((uint32_t)fd)))
            return -LINUX_EBADF;
    }
    return size / 4 > LINUX_SCM_MAX_FD ? -LINUX_EINVAL : 0;
}

static int import_one(struct task *task, const struct linux_cmsghdr *h, uint8_t *data)
{
    size_t size = (size_t)h->len - HEADER;
    struct linux_ucred u;
    if (h->type == LINUX_SCM_RIGHTS)
        return judge_descriptors(data, size);
    if (h->type != LINUX_SCM_CREDENTIALS)
        return 0;
    if (size != sizeof u)
        return -LINUX_EINVAL;
    memcpy(&u, data, sizeof u);
    int err = ucred_to_host(task, &u);
    memcpy(data, &u, sizeof u);
    return err;
}

int control_import(struct task *task, int fd, struct control *control, gva_t from, uint64_t len)
{
    struct linux_cmsghdr h;
    *control = (struct control){0};
    if (len >= CONTROL_MAX) /* sock_kmalloc() */
        return -LINUX_ENOBUFS;
    control->buf = malloc((size_t)len);
    if (!control->buf)
        return -LINUX_ENOBUFS;
    control->len = (size_t)len;
    if (copy_from_user(task, control->buf, from, control->len))
        return -LINUX_EFAULT;
    /* Only these kinds read the messages below; others ignore them. A header that does not fit ends
     * the list for the host too, which refuses it. */
    int64_t domain = sock_option(fd, LINUX_SO_DOMAIN);
    if (domain != LINUX_AF_UNIX && domain != LINUX_AF_NETLINK)
        return 0;
    for (size_t at = 0; header_at(control, at, &h); at += ALIGN((size_t)h.len)) {
        int err = h.level == LINUX_SOL_SOCKET
                      ? import_one(task, &h, (uint8_t *)control->buf + at + HEADER)
                      : 0;
        if (err)
            return err;
    }
    return 0;
}

/* ---- to the guest ---- */

/* scm_detach_fds(): as many as there is room for. Returns the bytes that are left of size. */
static size_t take_descriptors(struct task *task, uint8_t *data, size_t size, uint32_t *msg_flags)
{
    size_t kept = 0;
    for (size_t i = 0; i + 4 <= size; i += 4) {
        int32_t fd;
        memcpy(&fd, data + i, sizeof fd);
        fd = (int32_t)fd_return(task, fd);
        if (fd < 0)
            *msg_flags |= LINUX_MSG_CTRUNC;
        else {
            memcpy(data + kept, &fd, sizeof fd);
            kept += sizeof fd;
        }
    }
    return kept;
}

/* The peer's credentials; of a netlink message from the host's kernel, root's and nobody's. */
static void export_credentials(struct task *task, int fd, uint8_t *data, size_t size)
{
    struct linux_ucred u = {0};
    if (size > sizeof u)
        size = sizeof u;
    memcpy(&u, data, size);
    if (u.pid || u.uid || sock_option(fd, LINUX_SO_DOMAIN) != LINUX_AF_NETLINK)
        u = ucred_to_guest(task, u);
    memcpy(data, &u, size);
}

static void close_descriptors(struct task *task, const uint8_t *data, size_t size)
{
    for (size_t i = 0; i + 4 <= size; i += 4) {
        int32_t fd;
        memcpy(&fd, data + i, sizeof fd);
        if (fd >= 0)
            fd_discard(task, fd);
    }
}

/* The message's data, in place: its new size, or -1 to leave the message out. */
static int64_t export_one(struct task *task, int fd, const struct linux_cmsghdr *h, uint8_t *data,
                          uint32_t *msg_flags)
{
    size_t size = (size_t)h->len - HEADER, kept;
    if (h->level != LINUX_SOL_SOCKET)
        return (int64_t)size;
    switch (h->type) {
    case LINUX_SCM_RIGHTS:
        kept = take_descriptors(task, data, size, msg_flags);
        return kept ? (int64_t)kept : -1;
    case LINUX_SCM_CREDENTIALS: export_credentials(task, fd, data, size); return (int64_t)size;
    case LINUX_SCM_SECURITY: return -1;
    case LINUX_SCM_PIDFD: close_descriptors(task, data, size); return -1;
    default: return (int64_t)size;
    }
}

void control_export(struct task *task, int fd, struct control *control, size_t room,
                    uint32_t *msg_flags)
{
    struct linux_cmsghdr h;
    uint8_t *buf = control->buf;
    size_t to = 0, next;
    for (size_t at = 0; header_at(control, at, &h); at = next) {
        next = at + ALIGN((size_t)h.len);
        int64_t size = export_one(task, fd, &h, buf + at + HEADER, msg_flags);
        if (size < 0)
            continue;
        memmove(buf + to + HEADER, buf + at + HEADER, (size_t)size);
        h.len = HEADER + (uint64_t)size;
        memcpy(buf + to, &h, HEADER);
        size_t space = ALIGN((size_t)h.len); /* put_cmsg(): what is behind it counts, if there */
        if (space > room - to)
            space = room - to;
        memset(buf + to + h.len, 0, space - (size_t)h.len);
        to += space;
    }
    control->len = to;
}

bool control_drop(struct task *task, struct control *control)
{
    struct linux_cmsghdr h;
    bool any = false;
    for (size_t at = 0; header_at(control, at, &h); at += ALIGN((size_t)h.len)) {
        if (h.level != LINUX_SOL_SOCKET || h.type != LINUX_SCM_RIGHTS)
            continue;
        close_descriptors(task, (uint8_t *)control->buf + at + HEADER, (size_t)h.len - HEADER);
        any = true;
    }
    control->len = 0;
    return any;
}

void control_done(struct control *control)
{
    free(control->buf);
    *control = (struct control){0};
}
