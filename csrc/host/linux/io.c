/* io.c - host/io.h on Linux. */
#include "host/io.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/kcmp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <stdlib.h>
#include <dirent.h>
#include <unistd.h>

#include "host/linux/flags.h"
#include "host/linux/safe_syscall.h"
#include "linux/kernel.h"

#define WAIT(nr, ...) host_syscall_maybe_waiting(nr, __VA_ARGS__)

static int64_t ret(long r)
{
    return r < 0 ? -(int64_t)errno : (int64_t)r;
}

static int find_most(void)
{
    struct rlimit lim;
    rlim_t most = 1024;

    if (getrlimit(RLIMIT_NOFILE, &lim) == 0) {
        if (lim.rlim_cur < lim.rlim_max) {
            struct rlimit up = {lim.rlim_max, lim.rlim_max};
            if (setrlimit(RLIMIT_NOFILE, &up) == 0)
                lim = up;
        }
        most = lim.rlim_cur;
    }
    if (most > 1u << 20)
        most = 1u << 20; /* RLIM_INFINITY; the host's nr_open is 2^20 by default */
    most -= most / 4;
    return most > GUEST_FD_LIMIT ? GUEST_FD_LIMIT : (int)most;
}

int host_fd_most(void)
{
    static atomic_int most; /* computed once; a race computes the same number twice */
    int b = atomic_load_explicit(&most, memory_order_relaxed);
    if (b == 0) {
        b = find_most();
        atomic_store(&most, b);
    }
    return b;
}

int host_fd_plain(void)
{
    int most = host_fd_most();
    return most < GUEST_FD_USUAL ? most : GUEST_FD_USUAL;
}

static atomic_bool raised;

int host_fd_boundary(void)
{
    return atomic_load_explicit(&raised, memory_order_relaxed) ? host_fd_most() : host_fd_plain();
}

void host_fd_raise(void)
{
    atomic_store(&raised, true);
}

int host_fd_private(int fd)
{
    if (fd < 0 || fd >= host_fd_plain())
        return fd;
    int up = fcntl(fd, F_DUPFD_CLOEXEC, host_fd_boundary());
    int e = errno;
    close(fd);
    return up < 0 ? -e : up;
}

int host_fd_close(int fd)
{
    return close(fd) < 0 ? -errno : 0;
}

int64_t host_read(int fd, void *buf, size_t len)
{
    return WAIT(SYS_read, fd, buf, len);
}

int64_t host_write(int fd, const void *buf, size_t len)
{
    return WAIT(SYS_write, fd, buf, len);
}

int64_t host_readv(int fd, const struct host_iovec *iov, int count)
{
    return WAIT(SYS_readv, fd, iov, count);
}

int64_t host_writev(int fd, const struct host_iovec *iov, int count)
{
    return WAIT(SYS_writev, fd, iov, count);
}

int64_t host_pread(int fd, void *buf, size_t len, int64_t offset)
{
    return WAIT(SYS_pread64, fd, buf, len, offset);
}

int64_t host_pwrite(int fd, const void *buf, size_t len, int64_t offset)
{
    return WAIT(SYS_pwrite64, fd, buf, len, offset);
}

int64_t host_preadv2(int fd, const struct host_iovec *iov, int count, int64_t offset, int flags)
{
    return WAIT(SYS_preadv2, fd, iov, count, offset, 0, flags); /* 0: pos_h, unused on 64 bits */
}

int64_t host_pwritev2(int fd, const struct host_iovec *iov, int count, int64_t offset, int flags)
{
    return WAIT(SYS_pwritev2, fd, iov, count, offset, 0, flags);
}

int64_t host_lseek(int fd, int64_t offset, int whence)
{
    return ret(syscall(SYS_lseek, fd, offset, whence));
}

int host_fallocate(int fd, int mode, int64_t offset, int64_t len)
{
    return (int)WAIT(SYS_fallocate, fd, mode, offset, len);
}

int host_fsync(int fd, bool data_only)
{
    return (int)WAIT(data_only ? SYS_fdatasync : SYS_fsync, fd);
}

int host_sync_file_range(int fd, int64_t offset, int64_t len, unsigned flags)
{
    return (int)ret(syscall(SYS_sync_file_range, fd, offset, len, flags));
}

int host_syncfs(int fd)
{
    return (int)ret(syncfs(fd));
}

int host_fadvise(int fd, int64_t offset, int64_t len, int advice)
{
    return (int)ret(syscall(SYS_fadvise64, fd, offset, len, advice));
}

int host_readahead(int fd, int64_t offset, size_t len)
{
    return (int)ret(readahead(fd, offset, len));
}

int64_t host_sendfile(int out, int in, int64_t *offset, size_t count)
{
    return WAIT(SYS_sendfile, out, in, offset, count);
}

int64_t host_splice(int in, int64_t *off_in, int out, int64_t *off_out, size_t len, unsigned flags)
{
    return WAIT(SYS_splice, in, off_in, out, off_out, len, flags);
}

int64_t host_tee(int in, int out, size_t len, unsigned flags)
{
    return WAIT(SYS_tee, in, out, len, flags);
}

int64_t host_vmsplice(int fd, const struct host_iovec *iov, size_t count, unsigned flags)
{
    return WAIT(SYS_vmsplice, fd, iov, count, flags);
}

int64_t host_copy_file_range(int in, int64_t *off_in, int out, int64_t *off_out, size_t len,
                             unsigned flags)
{
    return WAIT(SYS_copy_file_range, in, off_in, out, off_out, len, flags);
}

int host_pipe2(int fds[2], int flags)
{
    return (int)ret(syscall(SYS_pipe2, fds, flags_to_host(flags)));
}

int host_dup(int fd)
{
    return (int)ret(dup(fd));
}

int host_dup3(int oldfd, int newfd, int flags)
{
    return (int)WAIT(SYS_dup3, oldfd, newfd, flags_to_host(flags));
}

int host_dupfd(int fd, int min, bool cloexec)
{
    return (int)ret(fcntl(fd, cloexec ? F_DUPFD_CLOEXEC : F_DUPFD, min));
}

bool host_same_open_file(int a, int b)
{
    pid_t self = getpid();
    return syscall(SYS_kcmp, self, self, KCMP_FILE, a, b) == 0;
}

int host_getfl(int fd)
{
    int fl = fcntl(fd, F_GETFL);
    return fl < 0 ? -errno : flags_from_host(fl);
}

int host_setfl(int fd, int flags)
{
    return (int)ret(fcntl(fd, F_SETFL, flags_to_host(flags)));
}

int64_t host_fcntl(int fd, int cmd, uint64_t arg)
{
    return WAIT(SYS_fcntl, fd, cmd, arg);
}

int host_flock(int fd, int operation)
{
    return (int)WAIT(SYS_flock, fd, operation);
}

int host_list_fds(int *fds, int max, bool cloexec_only)
{
    DIR *dir = opendir("/proc/self/fd");
    struct dirent *d;
    int n = 0;

    if (dir == NULL)
        return -errno;
    while (n < max && (d = readdir(dir)) != NULL) {
        if (d->d_name[0] == '.')
            continue;
        int fd = atoi(d->d_name);
        if (fd == dirfd(dir))
            continue;
        if (cloexec_only && (fd >= host_fd_plain() || fcntl(fd, F_GETFD) != FD_CLOEXEC))
            continue;
        fds[n++] = fd;
    }
    closedir(dir);
    return n;
}

int host_close_range(unsigned first, unsigned last, unsigned flags)
{
    long r = syscall(SYS_close_range, first, last, flags);
    if (r == 0 || (errno != ENOSYS && errno != EINVAL && errno != EPERM))
        return (int)ret(r);
    if (last >= 1u << 20)
        last = (1u << 20) - 1; /* fs.nr_open by default */
    for (unsigned fd = first; fd <= last; fd++) {
        if (flags & CLOSE_RANGE_CLOEXEC)
            fcntl((int)fd, F_SETFD, FD_CLOEXEC);
        else
            close((int)fd);
    }
    return 0;
}

int64_t host_ioctl(int fd, uint64_t request, uint64_t arg)
{
    return WAIT(SYS_ioctl, fd, request, arg);
}

int host_inotify_init(int flags)
{
    return (int)ret(inotify_init1(flags_to_host(flags)));
}

int host_inotify_add_fd(int inotify, int fd, uint32_t mask)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return (int)ret(inotify_add_watch(inotify, path, mask & ~(uint32_t)IN_DONT_FOLLOW));
}

int host_inotify_check(int inotify, uint32_t mask)
{
    /* There is nothing of that name, and that is the last thing to be found out. */
    int r = (int)ret(inotify_add_watch(inotify, "", mask));
    return r == -ENOENT ? 0 : r;
}

int host_inotify_rm(int inotify, int wd)
{
    return (int)ret(inotify_rm_watch(inotify, wd));
}
