/*
 * rw.c - reading, writing and positioning. The hot calls are a range check and one host call: the
 * host knows offset, flags, permissions and EFAULT.
 */
#include <string.h>

#include "linux/fs/fd_calls.h"
#include "linux/fs/fd_meta.h"
#include "linux/mm/uaccess.h"
#include "syscalls_gen.h"

/*
 * Linux cuts a transfer at MAX_RW_COUNT before it looks at the range's end, and a buffer that
 * begins in the guest's memory but ends outside is read up to the first bad page. NULL: not even
 * the start is valid.
 */
static void *rw_ptr(struct task *task, gva_t addr, uint64_t *len)
{
    void *p;

    if (*len > LINUX_MAX_RW_COUNT)
        *len = LINUX_MAX_RW_COUNT;
    p = user_ptr(task, addr, *len);
    if (p == NULL && *len > 0) {
        /* The part up to the end of the page that addr is in: the host stops at the first bad one
         * anyway. */
        uint64_t part = 4096 - (addr & 4095);
        if (part < *len && (p = user_ptr(task, addr, part)) != NULL)
            *len = part;
    }
    return p;
}

/*
 * A transfer failed with err before the host was asked: what the host says of moving nothing is
 * what Linux looks at first, the descriptor and its mode. offset is -1 where there is none.
 */
static int64_t read_error(int fd, int64_t offset, int64_t err)
{
    int64_t r = host_preadv2(fd, NULL, 0, offset, 0);
    return r < 0 ? r : err;
}

static int64_t write_error(int fd, int64_t offset, int64_t err)
{
    int64_t r = host_pwritev2(fd, NULL, 0, offset, 0);
    return r < 0 ? r : err;
}

static int64_t write_synth(struct task *task, int fd, gva_t addr, uint64_t len, bool *handled)
{
    struct fd_meta *meta = fd_meta_get(task->proc->fds, fd);
    char buf[4096];
    int64_t r = -LINUX_EBADF;

    *handled = meta && (meta->special || (meta->path && LINUX_S_ISREG(meta->node.mode)));
    if (*handled && meta->special)
        r = -LINUX_EINVAL;
    else if (*handled && (host_getfl(fd) & LINUX_O_ACCMODE) != LINUX_O_RDONLY) {
        if (meta->node.ops->write == NULL)
            r = -LINUX_EINVAL;
        else if (len >= sizeof buf)
            r = -LINUX_EINVAL;
        else if (copy_from_user(task, buf, addr, len) < 0)
            r = -LINUX_EFAULT;
        else {
            buf[len] = '\0';
            r = meta->node.ops->write(task, &meta->node, buf, len);
        }
    }
    fd_meta_put(meta);
    return r;
}

static int64_t read_special(struct task *task, int fd, gva_t addr, uint64_t len, bool *handled)
{
    struct fd_meta *meta = fd_meta_get(task->proc->fds, fd);
    int64_t r = 0;

    *handled = meta && meta->special;
    if (*handled)
        r = meta->special->read(task, meta->data, fd, addr, len);
    else if (meta && meta->path) {
        r = synth_before_read(task, &meta->node, fd);
        *handled = r < 0;
    }
    fd_meta_put(meta);
    return r;
}

int64_t sys_read(struct task *task, const uint64_t a[6])
{
    uint64_t len = a[2];
    void *buf;

    if (!fd_is_guest(a[0]))
        return -LINUX_EBADF;
    if (fd_meta_any(task->proc->fds, (int)a[0])) {
        bool handled;
        int64_t r = read_special(task, (int)a[0], a[1], a[2], &handled);
        if (handled)
            return r;
    }
    buf = rw_ptr(task, a[1], &len);
    if (buf == NULL)
        return read_error((int)a[0], -1, -LINUX_EFAULT);
    return host_read((int)a[0], buf, len);
}

int64_t sys_write(struct task *task, const uint64_t a[6])
{
    uint64_t len = a[2];
    void *buf;

    if (!fd_is_guest(a[0]))
        return -LINUX_EBADF;
    if (fd_meta_any(task->proc->fds, (int)a[0])) {
        bool handled;
        int64_t r = write_synth(task, (int)a[0], a[1], a[2], &handled);
        if (handled)
            return r;
    }
    buf = rw_ptr(task, a[1], &len);
    if (buf == NULL)
        return write_error((int)a[0], -1, -LINUX_EFAULT);
    return host_write((int)a[0], buf, len);
}

int64_t sys_pread64(struct task *task, const uint64_t a[6])
{
    uint64_t len = a[2];
    void *buf;

    if ((int64_t)a[3] < 0)
        return -LINUX_EINVAL;
    if (!fd_is_guest(a[0]))
        return -LINUX_EBADF;
    if (a[3] == 0 && fd_meta_any(task->proc->fds, (int)a[0])) {
        int64_t r = synth_rewound(task, (int)a[0]);
        if (r < 0)
            return r;
    }
    buf = rw_ptr(task, a[1], &len);
    return buf ? host_pread((int)a[0], buf, len, (int64_t)a[3])
               : read_error((int)a[0], (int64_t)a[3], -LINUX_EFAULT);
}

int64_t sys_pwrite64(struct task *task, const uint64_t a[6])
{
    uint64_t len = a[2];
    void *buf;

    if ((int64_t)a[3] < 0)
        return -LINUX_EINVAL;
    if (!fd_is_guest(a[0]))
        return -LINUX_EBADF;
    if (fd_meta_any(task->proc->fds, (int)a[0])) {
        bool handled;
        int64_t r = write_synth(task, (int)a[0], a[1], a[2], &handled);
        if (handled)
            return r;
    }
    buf = rw_ptr(task, a[1], &len);
    return buf ? host_pwrite((int)a[0], buf, len, (int64_t)a[3])
               : write_error((int)a[0], (int64_t)a[3], -LINUX_EFAULT);
}

static int64_t vector(struct task *task, const uint64_t a[6], struct host_iovec *iov)
{
    if (!fd_is_guest(a[0]))
        return -LINUX_EBADF;
    return a[2] > LINUX_UIO_MAXIOV ? -LINUX_EINVAL : import_iovec(task, iov, a[1], a[2]);
}

int64_t sys_readv(struct task *task, const uint64_t a[6])
{
    struct host_iovec iov[LINUX_UIO_MAXIOV];
    int64_t r = vector(task, a, iov);

    if (r >= 0 && a[2] > 0 && fd_meta_any(task->proc->fds, (int)a[0])) {
        uint64_t one[2];
        bool handled;
        if (copy_from_user(task, one, a[1], sizeof one) < 0)
            return -LINUX_EFAULT;
        int64_t n = read_special(task, (int)a[0], one[0], one[1], &handled);
        if (handled)
            return n;
    }
    return r < 0 ? read_error(fd_or_none(a[0]), -1, r) : host_readv((int)a[0], iov, (int)a[2]);
}

int64_t sys_writev(struct task *task, const uint64_t a[6])
{
    struct host_iovec iov[LINUX_UIO_MAXIOV];
    int64_t r = vector(task, a, iov);

    if (r >= 0 && fd_is_special(task->proc->fds, (int)a[0]))
        return -LINUX_EINVAL;
    if (r >= 0 && fd_meta_any(task->proc->fds, (int)a[0]) && a[2] == 1) {
        uint64_t one[2];
        bool handled;
        if (copy_from_user(task, one, a[1], sizeof one) < 0)
            return -LINUX_EFAULT;
        int64_t n = write_synth(task, (int)a[0], one[0], one[1], &handled);
        if (handled)
            return n;
    }
    return r < 0 ? write_error(fd_or_none(a[0]), -1, r) : host_writev((int)a[0], iov, (int)a[2]);
}

/* On 64 bits pos_l is the whole offset and pos_h is ignored (pos_from_hilo() of two halves). */
int64_t sys_preadv(struct task *task, const uint64_t a[6])
{
    struct host_iovec iov[LINUX_UIO_MAXIOV];

    if ((int64_t)a[3] < 0)
        return -LINUX_EINVAL;
    int64_t r = vector(task, a, iov);
    return r < 0 ? read_error(fd_or_none(a[0]), (int64_t)a[3], r)
                 : host_preadv2((int)a[0], iov, (int)a[2], (int64_t)a[3], 0);
}

int64_t sys_pwritev(struct task *task, const uint64_t a[6])
{
    struct host_iovec iov[LINUX_UIO_MAXIOV];

    if ((int64_t)a[3] < 0)
        return -LINUX_EINVAL;
    int64_t r = vector(task, a, iov);
    return r < 0 ? write_error(fd_or_none(a[0]), (int64_t)a[3], r)
                 : host_pwritev2((int)a[0], iov, (int)a[2], (int64_t)a[3], 0);
}

#define RWF_KNOWN 0x7f /* of Linux 6.12 */

/* Flags that the host may know and Linux 6.12 does not: made such as no host knows. */
static int rwf_flags(uint64_t arg)
{
    return (int)arg & ~RWF_KNOWN ? (int)arg | 0x40000000 : (int)arg;
}

int64_t sys_preadv2(struct task *task, const uint64_t a[6])
{
    struct host_iovec iov[LINUX_UIO_MAXIOV];

    if ((int64_t)a[3] < -1)
        return -LINUX_EINVAL;
    /* At its own position it is a readv(), which the host is not to do. */
    if ((int64_t)a[3] == -1 && fd_is_special(task->proc->fds, fd_or_none(a[0])))
        return a[5] ? -LINUX_EOPNOTSUPP : sys_readv(task, a);
    int64_t r = vector(task, a, iov);
    return r < 0 ? read_error(fd_or_none(a[0]), (int64_t)a[3], r)
                 : host_preadv2((int)a[0], iov, (int)a[2], (int64_t)a[3], rwf_flags(a[5]));
}

int64_t sys_pwritev2(struct task *task, const uint64_t a[6])
{
    struct host_iovec iov[LINUX_UIO_MAXIOV];

    if ((int64_t)a[3] < -1)
        return -LINUX_EINVAL;
    if ((int64_t)a[3] == -1 && fd_is_special(task->proc->fds, fd_or_none(a[0])))
        return sys_writev(task, a);
    int64_t r = vector(task, a, iov);
    return r < 0 ? write_error(fd_or_none(a[0]), (int64_t)a[3], r)
                 : host_pwritev2((int)a[0], iov, (int)a[2], (int64_t)a[3], rwf_flags(a[5]));
}

/* The position in a listing of ours; *handled when the host's own offset does not count. */
static int64_t seek_listing(struct task *task, int fd, int64_t offset, int whence, bool *handled)
{
    struct fd_meta *meta = fd_meta_get(task->proc->fds, fd);
    int64_t r;

    *handled = meta && (meta->listed || (meta->path && LINUX_S_ISDIR(meta->node.mode)));
    if (!*handled) {
        fd_meta_put(meta);
        return 0;
    }
    host_mutex_lock(&meta->lock);
    if (whence != LINUX_SEEK_SET && whence != LINUX_SEEK_CUR)
        r = -LINUX_EINVAL;
    else
        r = host_lseek(fd, offset, whence);
    if (r == 0 && whence == LINUX_SEEK_SET) { /* rewinddir: names that came since are listed */
        struct dir_list *old = meta->list;
        meta->list = NULL;
        dir_list_free(old);
    }
    host_mutex_unlock(&meta->lock);
    fd_meta_put(meta);
    return r;
}

int64_t sys_lseek(struct task *task, const uint64_t a[6])
{
    if (!fd_is_guest(a[0]))
        return -LINUX_EBADF;
    if (fd_meta_any(task->proc->fds, (int)a[0])) {
        bool handled;
        int64_t r = seek_listing(task, (int)a[0], (int64_t)a[1], (int)a[2], &handled);
        if (handled)
            return r;
        if (a[1] == 0 && a[2] == LINUX_SEEK_SET)
            (void)synth_rewound(task, (int)a[0]);
    }
    return host_lseek((int)a[0], (int64_t)a[1], (int)a[2]);
}

/* Take the listing of a directory that the host cannot list for us. */
static int take_listing(struct task *task, int fd, struct fd_meta *meta)
{
    struct fs_context *fs = task->proc->fs;
    char path[LINUX_PATH_MAX];
    const char *rel;

    if (meta->path) {
        meta->list = dir_list_new();
        if (meta->list == NULL)
            return -LINUX_ENOMEM;
        int r = dir_list_add(meta->list, ".", meta->node.ino, LINUX_DT_DIR);
        if (r == 0)
            r = dir_list_add(meta->list, "..", meta->node.ino, LINUX_DT_DIR);
        if (r == 0)
            r = meta->node.ops->list(fs, task, &meta->node, meta->list);
        return r;
    }
    int r = fs_fd_position(fs, task, fd, path);
    if (r < 0)
        return r;
    struct fs_mount *m = mount_of(fs, path, &rel);
    return m == meta->mnt ? dir_list_merged(fs, m, rel, &meta->list) : -LINUX_ENOENT;
}

/* Whether the directory needs a listing of ours: the bottom layer alone is listed by the host. */
static bool needs_listing(struct task *task, int fd, struct fd_meta *meta)
{
    char host[LINUX_PATH_MAX];
    const char *rel;
    int layer;

    if (meta->path || meta->listed)
        return true;
    if (meta->mnt == NULL || meta->mnt->type != FS_OVERLAY)
        return false;
    if (mount_of_fd(task->proc->fs, meta->mnt, fd, host, &layer, &rel) != meta->mnt)
        return false;
    return layer != meta->mnt->nlayers - 1;
}

int64_t sys_getdents64(struct task *task, const uint64_t a[6])
{
    char buf[32768];
    struct fd_meta *meta;
    int fd = fd_arg(a[0]);
    uint64_t size = (int32_t)a[2] < 0 ? 0 : (uint32_t)a[2];
    int64_t n;

    if (fd < 0)
        return fd;
    meta = fd_meta_get(task->proc->fds, fd);
    if (meta && meta->path && !LINUX_S_ISDIR(meta->node.mode)) {
        fd_meta_put(meta);
        return host_getfl(fd) & LINUX_O_PATH ? -LINUX_EBADF : -LINUX_ENOTDIR;
    }
    if (meta == NULL || !needs_listing(task, fd, meta)) {
        fd_meta_put(meta);
        void *to = user_ptr(task, a[1], size);
        return to ? host_getdents64(fd, to, size) : -LINUX_EFAULT;
    }
    host_mutex_lock(&meta->lock);
    meta->listed = true;
    meta->listing = meta->list == NULL;
    n = meta->list ? 0 : take_listing(task, fd, meta);
    if (n == -LINUX_ENOENT &&
        meta->path == NULL) { /* removed since it was opened: nothing left to list */
        meta->list = dir_list_new();
        n = meta->list ? 0 : -LINUX_ENOMEM;
    }
    meta->listing = false;
    int64_t was = n == 0 ? host_lseek(fd, 0, LINUX_SEEK_CUR) : 0;
    uint64_t pos = (uint64_t)was;
    if (was < 0)
        n = was;
    if (n == 0)
        n = dir_list_emit(meta->list, &pos, buf, size < sizeof buf ? size : sizeof buf);
    if (n > 0 && copy_to_user(task, a[1], buf, (size_t)n) < 0)
        n = -LINUX_EFAULT;
    if (n > 0)
        (void)host_lseek(fd, (int64_t)pos, LINUX_SEEK_SET);
    host_mutex_unlock(&meta->lock);
    fd_meta_put(meta);
    return n;
}
