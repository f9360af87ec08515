/* control.c - control messages: descriptors are judged, credentials are translated. */
#include <string.h>

#include "host/file.h"
#include "host/thread.h"
#include "linux/fs/fdtable.h"
#include "linux/mm/uaccess.h"
#include "linux/net/net.h"

#define OVERFLOW_ID 65534u
#define ALIGN(n)    (((n) + 7) & ~(size_t)7)

/* The guest is told of itself; of others, who are outside, that they are nobody. */
struct linux_ucred ucred_to_guest(struct task *task, struct linux_ucred host)
{
    const struct cred *cred = &task->proc->cred;
    bool self = host.pid == host_process_id();
    return (struct linux_ucred){
        .pid = self ? task->proc->pid : 0,
        .uid = self || host.uid == host_euid() ? cred->euid : OVERFLOW_ID,
        .gid = self || host.gid == host_egid() ? cred->egid : OVERFLOW_ID,
    };
}

/* scm_check_creds(): only root may speak for others; whom the guest names is not on the host. */
static int ucred_to_host(struct task *task, struct linux_ucred *u)
{
    const struct cred *c = &task->proc->cred;
    bool own = u->pid == task->proc->pid &&
               (u->uid == c->uid || u->uid == c->euid || u->uid == c->suid) &&
               (u->gid == c->gid || u->gid == c->egid || u->gid == c->sgid);
    if (!own && c->euid != 0)
        return -LINUX_EPERM;
    *u = (struct linux_ucred){host_process_id(), host_euid(), host_egid()};
    return 0;
}

static int import_one(struct task *task, const struct linux_cmsghdr *h, uint8_t *data)
{
    size_t size = (size_t)h->len - sizeof *h;
    if (h->level != LINUX_SOL_SOCKET)
        return 0;
    if (h->type == LINUX_SCM_RIGHTS) {
        for (size_t i = 0; i + 4 <= size; i += 4) {
            int32_t fd;
            memcpy(&fd, data + i, sizeof fd);
            if (fd < 0 || !fd_is_guest((uint32_t)fd))
                return -LINUX_EBADF;
        }
    } else if (h->type == LINUX_SCM_CREDENTIALS) {
        struct linux_ucred u;
        if (size != sizeof u)
            return -LINUX_EINVAL;
        memcpy(&u, data, sizeof u);
        int err = ucred_to_host(task, &u);
        memcpy(data, &u, sizeof u);
        return err;
    }
    return 0;
}

static void export_one(struct task *task, const struct linux_cmsghdr *h, uint8_t *data)
{
    size_t size = (size_t)h->len - sizeof *h;
    if (h->level != LINUX_SOL_SOCKET)
        return;
    if (h->type == LINUX_SCM_RIGHTS) {
        for (size_t i = 0; i + 4 <= size; i += 4) {
            int32_t fd;
            memcpy(&fd, data + i, sizeof fd);
            fd = (int32_t)fd_return(task, fd); /* -EMFILE is not a descriptor either */
            memcpy(data + i, &fd, sizeof fd);
        }
    } else if (h->type == LINUX_SCM_CREDENTIALS && size >= sizeof(struct linux_ucred)) {
        struct linux_ucred u;
        memcpy(&u, data, sizeof u);
        u = ucred_to_guest(task, u);
        memcpy(data, &u, sizeof u);
    }
}

int control_import(struct task *task, void *buf, gva_t control, size_t len)
{
    if (copy_from_user(task, buf, control, len))
        return -LINUX_EFAULT;
    for (size_t at = 0; at + sizeof(struct linux_cmsghdr) <= len;) {
        struct linux_cmsghdr h;
        memcpy(&h, (uint8_t *)buf + at, sizeof h);
        if (h.len < sizeof h || h.len > len - at)
            return -LINUX_EINVAL; /* CMSG_OK() */
        int err = import_one(task, &h, (uint8_t *)buf + at + sizeof h);
        if (err)
            return err;
        at += ALIGN((size_t)h.len);
    }
    return 0;
}

int control_export(struct task *task, void *buf, size_t *len)
{
    for (size_t at = 0; at + sizeof(struct linux_cmsghdr) <= *len;) {
        struct linux_cmsghdr h;
        memcpy(&h, (uint8_t *)buf + at, sizeof h);
        if (h.len < sizeof h || h.len > *len - at)
            break;
        export_one(task, &h, (uint8_t *)buf + at + sizeof h);
        at += ALIGN((size_t)h.len);
    }
    return 0;
}
