/*
 * inotify.c - watches are the host's, on the host's objects. The struct of an event is the same
 * everywhere. A watch on an object of a lower layer sees what happens there, which is nothing: to
 * see the guest's own changes it is put on the upper one, which is made for it.
 */
#include "linux/fs/fd_calls.h"
#include "linux/fs/path.h"
#include "linux/fs/synth.h"
#include "linux/mm/uaccess.h"
#include "syscalls_gen.h"

#define IN_DONT_FOLLOW 0x02000000u
#define IN_ONLYDIR     0x01000000u
#define IN_ALL_BITS    0xf7000fffu

int64_t sys_inotify_init1(struct task *task, const uint64_t a[6])
{
    if ((int)a[0] & ~(LINUX_O_CLOEXEC | LINUX_O_NONBLOCK))
        return -LINUX_EINVAL;
    return fd_return(task, host_inotify_init((int)a[0]));
}

int64_t sys_inotify_add_watch(struct task *task, const uint64_t a[6])
{
    struct fs_context *fs = task->proc->fs;
    int fd = fd_arg(a[0]);
    uint32_t mask = (uint32_t)a[2];
    struct fs_path p;
    int r;

    if (!(mask & IN_ALL_BITS))
        return -LINUX_EINVAL;
    /* The descriptor is looked at before the path. */
    r = fd < 0 ? fd : host_inotify_check(fd, mask);
    if (r < 0)
        return r;
    r = fs_user_resolve(task, LINUX_AT_FDCWD, a[1], mask & IN_DONT_FOLLOW ? 0 : FS_FOLLOW, &p);
    if (r < 0)
        return r;
    if ((mask & IN_ONLYDIR) && !LINUX_S_ISDIR(p.st.stx_mode))
        r = -LINUX_ENOTDIR;
    else
        r = owner_may(&task->proc->cred, &p.st, FS_MAY_READ);
    uint32_t type = p.st.stx_mode & LINUX_S_IFMT;
    if (r == 0 && (type == LINUX_S_IFDIR || type == LINUX_S_IFREG) && fs_writable(&p) == 0 &&
        p.node == NULL)
        r = fs_copy_up(fs, &p);
    if (r == 0)
        r = host_inotify_add_fd(fd, p.fd >= 0 ? p.fd : fs->empty_dir, mask);
    fs_path_put(&p);
    return r;
}

int64_t sys_inotify_rm_watch(struct task *task, const uint64_t a[6])
{
    int fd = fd_arg(a[0]);

    (void)task;
    return fd < 0 ? fd : host_inotify_rm(fd, (int)a[1]);
}
