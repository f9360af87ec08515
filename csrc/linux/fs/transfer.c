/* transfer.c - moving data between descriptors, space and caches of files. */
#include <string.h>

#include "linux/fs/fd_calls.h"
#include "linux/fs/fd_meta.h"
#include "linux/mm/uaccess.h"
#include "syscalls_gen.h"

/* An optional guest offset: read it, let the host move it, write it back. */
struct offset {
    gva_t addr;
    int64_t value;
};

static int offset_in(struct task *task, struct offset *o, gva_t addr)
{
    uint64_t v = 0;

    o->addr = addr;
    if (addr && get_user_u64(task, &v, addr) < 0)
        return -LINUX_EFAULT;
    o->value = (int64_t)v;
    return 0;
}

static int offset_out(struct task *task, const struct offset *o)
{
    return o->addr && put_user_u64(task, o->addr, (uint64_t)o->value) < 0 ? -LINUX_EFAULT : 0;
}

static int64_t *offset_ptr(struct offset *o)
{
    return o->addr ? &o->value : NULL;
}

/* A descriptor whose content is ours has none that the host could move. */
static bool any_special(struct task *task, uint64_t a, uint64_t b)
{
    struct fd_table *fds = task->proc->fds;

    return fd_is_special(fds, fd_or_none(a)) || fd_is_special(fds, fd_or_none(b));
}

int64_t sys_sendfile(struct task *task, const uint64_t a[6])
{
    struct offset o;
    int64_t r;

    if (offset_in(task, &o, a[2]) < 0)
        return -LINUX_EFAULT;
    if (a[3] && any_special(task, a[0], a[1]))
        return fd_error(fd_or_none(a[0]), fd_error(fd_or_none(a[1]), -LINUX_EINVAL));
    r = host_sendfile(fd_or_none(a[0]), fd_or_none(a[1]), offset_ptr(&o), a[3]);
    return offset_out(task, &o) < 0 ? -LINUX_EFAULT : r;
}

#define SPLICE_F_ALL 0xfu

/* A pipe has no offset, and what is given for one is not read. */
static bool is_pipe(int fd)
{
    struct linux_statx st;

    return host_statx_fd(fd, &st) == 0 && LINUX_S_ISFIFO(st.stx_mode);
}

int64_t sys_splice(struct task *task, const uint64_t a[6])
{
    struct offset in, out;
    int64_t r;

    if (a[4] == 0)
        return 0;
    if ((unsigned)a[5] & ~SPLICE_F_ALL)
        return -LINUX_EINVAL;
    if (!fd_is_guest(a[0]) || !fd_is_guest(a[2]))
        return -LINUX_EBADF;
    if ((a[1] || a[3]) && fd_error((int)a[0], fd_error((int)a[2], 0)) < 0)
        return -LINUX_EBADF;
    if (any_special(task, a[0], a[2]))
        return fd_error((int)a[0], fd_error((int)a[2], -LINUX_EINVAL));
    if ((a[1] && is_pipe((int)a[0])) || (a[3] && is_pipe((int)a[2])))
        return -LINUX_ESPIPE;
    if (offset_in(task, &in, a[1]) < 0 || offset_in(task, &out, a[3]) < 0)
        return -LINUX_EFAULT;
    r = host_splice((int)a[0], offset_ptr(&in), (int)a[2], offset_ptr(&out), a[4], (unsigned)a[5]);
    if (r >= 0 && (offset_out(task, &in) < 0 || offset_out(task, &out) < 0))
        return -LINUX_EFAULT;
    return r;
}

int64_t sys_tee(struct task *task, const uint64_t a[6])
{
    if ((unsigned)a[3] & ~SPLICE_F_ALL)
        return -LINUX_EINVAL;
    if (a[2] == 0)
        return 0;
    if (!fd_is_guest(a[0]) || !fd_is_guest(a[1]))
        return -LINUX_EBADF;
    if (any_special(task, a[0], a[1]))
        return fd_error((int)a[0], fd_error((int)a[1], -LINUX_EINVAL));
    return host_tee((int)a[0], (int)a[1], a[2], (unsigned)a[3]);
}

int64_t sys_vmsplice(struct task *task, const uint64_t a[6])
{
    struct host_iovec iov[LINUX_UIO_MAXIOV];
    int64_t r;

    if ((unsigned)a[3] & ~SPLICE_F_ALL)
        return -LINUX_EINVAL;
    if (!fd_is_guest(a[0]))
        return -LINUX_EBADF;
    r = a[2] > LINUX_UIO_MAXIOV ? -LINUX_EINVAL : import_iovec(task, iov, a[1], a[2]);
    if (r >= 0 && fd_is_special(task->proc->fds, (int)a[0]))
        return -LINUX_EBADF;
    return r < 0 ? fd_error((int)a[0], r) : host_vmsplice((int)a[0], iov, a[2], (unsigned)a[3]);
}

int64_t sys_copy_file_range(struct task *task, const uint64_t a[6])
{
    struct offset in, out;
    int64_t r;

    if (!fd_is_guest(a[0]) || !fd_is_guest(a[2]))
        return -LINUX_EBADF;
    if (offset_in(task, &in, a[1]) < 0 || offset_in(task, &out, a[3]) < 0)
        return fd_error((int)a[0], fd_error((int)a[2], -LINUX_EFAULT));
    r = host_copy_file_range((int)a[0], offset_ptr(&in), (int)a[2], offset_ptr(&out), a[4],
                             (unsigned)a[5]);
    if (r > 0 && (offset_out(task, &in) < 0 || offset_out(task, &out) < 0))
        return -LINUX_EFAULT;
    return r;
}

int64_t sys_ftruncate(struct task *task, const uint64_t a[6])
{
    int fd = fd_arg(a[0]);

    (void)task;
    if ((int64_t)a[1] < 0)
        return -LINUX_EINVAL;
    return fd < 0 ? fd : host_ftruncate(fd, (int64_t)a[1]);
}

int64_t sys_truncate(struct task *task, const uint64_t a[6])
{
    struct fs_context *fs = task->proc->fs;
    struct fs_path p;
    int r;

    if ((int64_t)a[1] < 0)
        return -LINUX_EINVAL;
    r = fs_user_resolve(task, LINUX_AT_FDCWD, a[0], FS_FOLLOW, &p);
    if (r < 0)
        return r;
    if (LINUX_S_ISDIR(p.st.stx_mode))
        r = -LINUX_EISDIR;
    else if (!LINUX_S_ISREG(p.st.stx_mode))
        r = -LINUX_EINVAL;
    else if (p.node)
        r = -LINUX_EACCES;
    else if ((r = fs_writable(&p)) == 0)
        r = owner_may(&task->proc->cred, &p.st, FS_MAY_WRITE);
    if (r == 0)
        r = fs_write_access(task, &p);
    if (r == 0)
        r = fs_copy_up(fs, &p);
    if (r == 0)
        r = host_truncate_fd(p.fd, (int64_t)a[1]);
    fs_path_put(&p);
    return r;
}

#define FALLOC_KNOWN 0x7f /* of Linux 6.12 */

int64_t sys_fallocate(struct task *task, const uint64_t a[6])
{
    int fd = fd_arg(a[0]), mode = (int)a[1];

    /* The host may know more: made such as none knows. */
    if (mode & ~FALLOC_KNOWN ||
        (fd >= 0 && fd_synth_magic(task->proc->fds, fd) && (host_getfl(fd) & LINUX_O_ACCMODE)))
        mode |= 0x40000000;
    return fd < 0 ? fd : host_fallocate(fd, mode, (int64_t)a[2], (int64_t)a[3]);
}

/* Files and directories of /proc have nothing that could be written. */
static int64_t synchronize(struct task *task, uint64_t arg, bool data)
{
    int fd = fd_arg(arg);

    if (fd < 0)
        return fd;
    int64_t r = host_fsync(fd, data);
    if (r == 0 && fd_synth_magic(task->proc->fds, fd) == LINUX_PROC_SUPER_MAGIC)
        r = -LINUX_EINVAL;
    return r;
}

int64_t sys_fsync(struct task *task, const uint64_t a[6])
{
    return synchronize(task, a[0], false);
}

int64_t sys_fdatasync(struct task *task, const uint64_t a[6])
{
    return synchronize(task, a[0], true);
}

int64_t sys_sync(struct task *task, const uint64_t a[6])
{
    struct fs_context *fs = task->proc->fs;

    (void)a;
    /* The guest's file systems only, not all of the host's. syncfs wants a descriptor that is not
     * O_PATH. */
    for (int i = 0; i < fs->nmounts; i++)
        if (mount_is_host(&fs->mounts[i]) && !fs->mounts[i].read_only) {
            int fd = host_reopen(fs->mounts[i].layers[0].fd, LINUX_O_RDONLY | LINUX_O_CLOEXEC);
            if (fd >= 0) {
                host_syncfs(fd);
                host_fd_close(fd);
            }
        }
    return 0;
}

int64_t sys_syncfs(struct task *task, const uint64_t a[6])
{
    int fd = fd_arg(a[0]);

    (void)task;
    return fd < 0 ? fd : host_syncfs(fd);
}

int64_t sys_sync_file_range(struct task *task, const uint64_t a[6])
{
    int fd = fd_arg(a[0]);

    (void)task;
    return fd < 0 ? fd : host_sync_file_range(fd, (int64_t)a[1], (int64_t)a[2], (unsigned)a[3]);
}

int64_t sys_fadvise64(struct task *task, const uint64_t a[6])
{
    int fd = fd_arg(a[0]);

    (void)task;
    return fd < 0 ? fd : host_fadvise(fd, (int64_t)a[1], (int64_t)a[2], (int)a[3]);
}

int64_t sys_readahead(struct task *task, const uint64_t a[6])
{
    int fd = fd_arg(a[0]);

    (void)task;
    return fd < 0 ? fd : host_readahead(fd, (int64_t)a[1], a[2]);
}
